/** What the log says about itself at /metrics; label sets are closed. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Outcome, Verification } from '@cloudlysis/contract';
import type { InboxSight } from './inbox-age.ts';

export interface AuditMetrics {
  appended(outcome: Outcome): void;
  failed(): void;
  inbox(sight: InboxSight, now: Date): void;
  placed(records: number): void;
  setAside(documents: number): void;
  verified(result: Verification, now: Date): void;
}

const SILENT: AuditMetrics = { appended() {}, failed() {}, inbox() {}, placed() {}, setAside() {}, verified() {} };

export function createAuditMetrics(registry: Registry | undefined): AuditMetrics {
  if (!registry) return SILENT;
  const registers = [registry];
  const appended = new Counter({
    name: 'cp_audit_records_total',
    help: 'Audit records written, by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const failed = new Counter({ name: 'cp_audit_append_failures_total', help: 'Audit records that could not be written', registers }); // prettier-ignore
  const batch = new Histogram({
    name: 'cp_audit_batch_records',
    help: 'Records placed in one transaction',
    buckets: [1, 2, 5, 10, 20, 50, 100],
    registers,
  });
  const size = new Gauge({
    name: 'cp_audit_inbox_records',
    help: 'Documents in the inbox, whatever they are; counted up to 10 001',
    registers,
  });
  const age = new Gauge({
    name: 'cp_audit_inbox_age_seconds',
    help: 'How long the oldest of them has waited',
    registers,
  });
  const aside = new Counter({
    name: 'cp_audit_set_aside_total',
    help: 'Documents of the inbox that were no records and were set aside',
    registers,
  });
  const ok = new Gauge({
    name: 'cp_audit_chain_ok',
    help: '1 when the last verification held, 0 when it did not; absent before one',
    registers,
    labelNames: [],
  });
  const when = new Gauge({ name: 'cp_audit_verified_timestamp_seconds', help: 'When the chain was last verified', registers }); // prettier-ignore
  ok.reset();
  ok.remove();
  return {
    appended: (outcome) => appended.inc({ outcome }),
    failed: () => failed.inc(),
    inbox: ({ waiting, since }, now) => {
      size.set(waiting);
      age.set(since === null ? 0 : Math.max(0, now.getTime() - since.getTime()) / 1_000);
    },
    placed: (records) => batch.observe(records),
    setAside: (documents) => aside.inc(documents),
    verified: (result, now) => {
      ok.set(result.ok ? 1 : 0);
      when.set(now.getTime() / 1_000);
    },
  };
}
