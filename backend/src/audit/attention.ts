/** The audit log as what may need a person: a chain that does not hold or falls behind, and what is foreign to it. */
import type { Verification } from '@cloudlysis/contract';
import type { Ambient } from '../kernel/ambient.ts';
import { grouped } from '../kernel/figures.ts';
import { figure, type Asked, type Found, type Look, type OwnPart } from '../feature/attention.ts';
import type { Probe } from '../feature/probe.ts';
import { auditLag, type AuditFreshness } from './sequencing/freshness.ts';

/** The records of it stay; a person is asked to look for a week. */
const SET_ASIDE_MS = 7 * 86_400_000;

/** What can be seen of the chain as it is. */
export interface AuditSight {
  /** How far the chain has got. @throws Problem `audit.unavailable` */
  freshness(): Promise<AuditFreshness>;
  /** What the last verification in this process found; null before the first. */
  lastVerification(): (Pick<Verification, 'first_bad'> & { readonly at: Date }) | null;
  /** Why the chain cannot be the one that this process saw: it was cut, or the store put back; null when nothing speaks against it. */
  moved(): string | null;
}

/** What the last verification found wrong, or what this replica saw of it; null where nothing speaks against it. */
type Broken = { readonly reason: string; readonly at: Date } | null;

export const auditLook =
  (audit: AuditSight): Look =>
  async ({ ask, now, wholePlatform }) => {
    const freshness = await ask('audit log', () => audit.freshness());
    const broken = brokenBy(audit, now);
    const told = wholePlatform || !broken ? broken : { ...broken, reason: 'the last verification found a break' };
    return { platform: items(freshness, broken, now), own: ownPart(freshness, told, now) };
  };

function brokenBy(audit: AuditSight, now: Date): Broken {
  const verified = audit.lastVerification();
  if (verified?.first_bad) return { reason: `record ${verified.first_bad.seq}: ${verified.first_bad.reason}`, at: verified.at }; // prettier-ignore
  const moved = audit.moved();
  return moved === null ? null : { reason: moved, at: now };
}

function items(freshness: Asked<AuditFreshness>, broken: Broken, now: Date): Found[] {
  const about = { resource: 'audit', severity: 'critical' as const };
  const found: Found[] = [];
  if (broken) {
    const title = 'The audit chain does not hold';
    found.push({ ...about, id: 'audit.broken', title, detail: broken.reason, since: broken.at.toISOString(), action: 'audit.verify' }); // prettier-ignore
  }
  if (!freshness.ok) return found;
  const { waitingSince, setAside } = freshness.value;
  const lag = auditLag(freshness.value, now);
  if (lag) {
    const title = 'Audit records wait for their place in the chain';
    found.push({ ...about, id: 'audit.waiting', title, detail: lag, since: waitingSince?.toISOString() ?? null, action: null }); // prettier-ignore
  }
  if (setAside && now.getTime() - setAside.newestAt.getTime() < SET_ASIDE_MS) {
    const title = 'Something foreign was written to the audit log';
    const detail = `${setAside.documents === 1 ? 'a document' : `${grouped(setAside.documents)} documents`} lay in the audit inbox and could not be read; kept, and on record as audit.set_aside`;
    found.push({ ...about, id: 'audit.set_aside', title, detail, since: setAside.newestAt.toISOString(), action: 'audit.verify' }); // prettier-ignore
  }
  return found;
}

function ownPart(audit: Asked<AuditFreshness>, broken: Broken, now: Date): OwnPart {
  const waited = audit.ok && audit.value.waitingSince ? now.getTime() - audit.value.waitingSince.getTime() : 0;
  const lag = audit.ok ? auditLag(audit.value, now) : `the audit log cannot be read: ${audit.reason}`;
  return {
    figures: [
      figure('audit_records', 'Audit records', audit.ok ? audit.value.seq : null, 'records'),
      figure('audit_waiting', 'Audit records waiting', audit.ok ? audit.value.waiting : null, 'records'),
      figure('audit_wait', 'Audit records wait', audit.ok ? Math.max(0, Math.round(waited / 1_000)) : null, 's'),
    ],
    degraded: broken ? `the audit chain does not hold: ${broken.reason}` : lag,
    unknown: null,
    ok: 'the audit log keeps up',
  };
}

export const auditProbe = (audit: Pick<AuditSight, 'freshness'>, ambient: Ambient): Probe => ({
  id: 'audit',
  title: 'Audit chain',
  target: 'MongoDB',
  run: async () => {
    const freshness = await audit.freshness();
    const { seq, waitingSince } = freshness;
    const lag = auditLag(freshness, ambient.now());
    if (lag) throw new Error(`${lag}; the head stands at ${seq}`);
    return `the head stands at ${seq}, ${waitingSince ? 'the newest records are being placed' : 'nothing waits'}`;
  },
});
