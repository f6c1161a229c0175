/** Status, computed with its sentence and never set by hand (TEN-04): pure, and the first state that applies wins. */
import { grouped } from '../../kernel/figures.ts';
import { PLACED_KINDS, type Placement, type ServiceKind, type TenantState } from '@cloudlysis/contract';
import { askedBy, askedByWithin, type DrainOrder } from '../../placement/index.ts';
import type { ActiveJob } from '../../jobs/record/job-reader.ts';
import { day, type TenantRecord } from './tenants.ts';

export interface Status {
  readonly state: TenantState;
  readonly reason: string;
  /** In its place for those who may see some tenants only, where the reason names what is beyond them. */
  readonly outline?: string;
  readonly since: Date;
}

/** What is known of one node, with the moment at which it began. */
export interface NodeFinding {
  /** Why it cannot serve: unreachable, or not ready; null when it can. */
  readonly problem: { readonly reason: string; readonly since: Date } | null;
  /** Since when the whole node drains; null when it does not. */
  readonly draining: Date | null;
  /** Tenants that are drained or draining on it, since when. */
  readonly drainingTenants: ReadonlyMap<string, Date>;
  /** Drains that were asked for there, whatever the node says. */
  readonly ordered: readonly DrainOrder[];
}

export interface LagFinding {
  readonly kind: 'projection' | 'runner';
  readonly lag: number;
  readonly limit: number;
  /** When it rose above the limit; null while it is within. */
  readonly since: Date | null;
}

/** A flag on NATS that holds a tenant back, though its record says that nobody paused it. */
export interface StrayPause {
  readonly reason: string;
  readonly since: Date;
}

export interface StatusFacts {
  readonly activeJob: ActiveJob | null;
  /** Null while they are not known, which is not held against the tenant. */
  readonly placements: readonly Placement[] | null;
  readonly reports: ReadonlyMap<string, NodeFinding>;
  readonly lags: readonly LagFinding[];
  /** Null or absent where record and flag agree, as far as is known. */
  readonly strayPause?: StrayPause | null;
  /** When the last trouble that was seen ended; null when none was. */
  readonly calmSince: Date | null;
  readonly now: Date;
}

export function computeStatus(record: TenantRecord, facts: StatusFacts): Status {
  return (
    archived(record, facts.now) ??
    provisioning(record) ??
    suspended(record) ??
    migrating(facts.activeJob) ??
    draining(record, facts) ??
    degraded(record, facts) ??
    active(record, facts)
  );
}

function archived({ archived: archival }: TenantRecord, now: Date): Status | null {
  if (!archival) return null;
  const cooling = now < archival.purge_after;
  const until = day(archival.purge_after);
  return {
    state: 'archived',
    reason: cooling ? `archived; it can be restored until ${until}` : `archived; its cooling period ended on ${until}`,
    since: archival.at,
  };
}

function provisioning({ phase, job_id, created_at }: TenantRecord): Status | null {
  if (phase !== 'provisioning') return null;
  return { state: 'provisioning', reason: `being provisioned by ${job_id}`, since: created_at };
}

const suspended = ({ paused }: TenantRecord): Status | null =>
  paused && { state: 'suspended', reason: `paused by ${paused.job_id}: ${paused.reason}`, since: paused.since };

function migrating(job: ActiveJob | null): Status | null {
  if (job?.kind !== 'scale.migrate') return null;
  const { kind, to } = (job.input ?? {}) as { kind?: string; to?: string };
  return { state: 'migrating', reason: `moving ${kind} to ${to} by ${job.jobId}`, since: job.since };
}

function draining({ _id }: TenantRecord, { activeJob, placements, reports }: StatusFacts): Status | null {
  const { action } = (activeJob?.input ?? {}) as { action?: string };
  if (activeJob?.kind === 'scale.drain' && action === 'drain') {
    return { state: 'draining', reason: `being drained by ${activeJob.jobId}`, since: activeJob.since };
  }
  const found = (placements ?? []).flatMap(({ kind, shard_id }): Cause[] => {
    const node = reports.get(shard_id);
    const seen = node?.drainingTenants.get(_id) ?? node?.draining;
    const order = node?.ordered.find(({ tenant_id }) => tenant_id === _id || tenant_id === null);
    const since = order?.since ?? seen;
    if (!since) return [];
    const what = order ? order.tenant_id === null : node?.draining;
    const drained = `${what ? 'the whole node is drained' : 'drained'} on ${kind}/${shard_id} since ${clock(since)}`;
    const inWords = (asked: string): string =>
      // A node that restarted serves until it is told again, and one that is silent may.
      `${drained}${asked}${seen ? '' : ', though its node does not say so'}`;
    if (!order) return [{ sentence: inWords(''), since }];
    return [{ sentence: inWords(` ${askedBy(order)}`), outline: inWords(` ${askedByWithin(order)}`), since }];
  });
  return found.length ? { state: 'draining', ...summed(found) } : null;
}

interface Cause {
  readonly sentence: string;
  readonly outline?: string;
  readonly since: Date;
}

function degraded(record: TenantRecord, { placements, reports, lags, strayPause }: StatusFacts): Status | null {
  const causes: Cause[] = [];
  if (strayPause) {
    const { reason, since } = strayPause;
    const sentence = `held back by its flag on NATS since ${clock(since)} (${reason.slice(0, 200)}), though nobody paused it here: pause and resume it to let it through`;
    causes.push({ sentence, since });
  }
  for (const kind of placements ? PLACED_KINDS : []) {
    if (placements!.some((placement) => placement.kind === kind)) continue;
    causes.push({ sentence: `no placement for ${kind}`, since: record.state_since });
  }
  for (const { kind, shard_id } of placements ?? []) {
    const problem = reports.get(shard_id)?.problem;
    if (!problem) continue;
    const sentence = `${kind}/${shard_id} ${problem.reason} since ${clock(problem.since)}`;
    causes.push({ sentence, since: problem.since });
  }
  for (const { kind, lag, limit, since } of lags) {
    if (!since) continue;
    const where = `${kind}/${shardOf(placements, kind) ?? '?'}`;
    const sentence = `consumer lag ${grouped(lag)} > ${grouped(limit)} on ${where} since ${clock(since)}`;
    causes.push({ sentence, since });
  }
  return causes.length ? { state: 'degraded', ...summed(causes) } : null;
}

function active(record: TenantRecord, { placements, calmSince }: StatusFacts): Status {
  const where = placements?.map(({ kind, shard_id }) => `${kind}/${shard_id}`).join(', ');
  return {
    state: 'active',
    reason: where ? `served by ${where}` : 'live; its placements are not read yet',
    since: calmSince && calmSince > record.state_since ? calmSince : record.state_since,
  };
}

/** Oldest cause first: it is the one that explains the others. */
function summed(causes: readonly Cause[]): Omit<Status, 'state'> {
  const ordered = causes.toSorted((a, b) => a.since.getTime() - b.since.getTime());
  const reason = ordered.map(({ sentence }) => sentence).join('; ');
  const outline = ordered.map(({ outline, sentence }) => outline ?? sentence).join('; ');
  return { reason, ...(outline === reason ? {} : { outline }), since: ordered[0]!.since };
}

const shardOf = (placements: readonly Placement[] | null, kind: ServiceKind): string | undefined =>
  placements?.find((placement) => placement.kind === kind)?.shard_id;

const clock = (date: Date): string => date.toISOString().slice(11, 16);
