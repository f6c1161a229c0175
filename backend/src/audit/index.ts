/** The append-only, hash-chained audit log: what the rest of the service may import. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ClientSession } from 'mongodb';
import { Problem, type Verification } from '@cloudlysis/contract';
import type { Progress } from '../kernel/long-runs.ts';
import type { Ambient } from '../kernel/ambient.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { Look } from '../feature/attention.ts';
import type { Probes } from '../feature/probe.ts';
import { auditLook, auditProbe, type AuditSight } from './attention.ts';
import type { AuditDraft, AuditLog } from './record/audit-log.ts';
import { auditHandlers, type AuditHandlers } from './read/audit.handlers.ts';
import { pendingRecord } from './record/audit-record.ts';
import { AuditStore } from './store/audit.store.ts';
import { DEADLINE_MS, mayRetryTransaction, answered } from './store/deadline.ts';
import type { AuditFreshness } from './sequencing/freshness.ts';
import { InboxAge } from './sequencing/inbox-age.ts';
import type { JobTraces } from './verify/job-traces.ts';
import { Lease } from './sequencing/lease.ts';
import { createAuditMetrics, type AuditMetrics } from './sequencing/metrics.ts';
import { AuditSearch } from './read/search.ts';
import { Sequencer } from './sequencing/sequencer.ts';
import { createSetAsideSight } from './sequencing/set-aside-sight.ts';
import { verifyChain } from './verify/verify.ts';
import { Witness } from './record/witness.ts';

export type { AuditDraft, AuditLog } from './record/audit-log.ts';
export type { AuditHandlers } from './read/audit.handlers.ts';
export { auditLag, type AuditFreshness } from './sequencing/freshness.ts';
export type { JobTrace, JobTraces } from './verify/job-traces.ts';

export interface AuditOptions {
  readonly mongo: Mongo;
  readonly ambient: Ambient;
  /** Names this replica as holder of the sequencer's lease; the same after a restart is welcome, for two at once it is not. */
  readonly replicaId: string;
  /** Of what is about none in particular. */
  readonly environment: string;
  /** All that a record can be about; that one alone unless told. */
  readonly environments?: readonly string[];
  /** What the jobs say of their records: another collection that a cut tail would have to agree with. */
  readonly jobs?: JobTraces | undefined;
  readonly logger?: Logger | undefined;
  readonly registry?: Registry | undefined;
}

export interface Audit extends AuditSight {
  readonly log: AuditLog;
  readonly name: string;
  readonly reads: AuditHandlers;
  readonly attention: Look;
  readonly probes: Probes;
  /** Creates collections, indexes and the head; before `start`, and harmless to repeat. */
  prepare(): Promise<void>;
  /** Starts the sequencer; appending and reading work without it. */
  start(): void;
  /** Places what is pending if it can within a second, hands back the lease. Appending still works afterwards. */
  stop(): Promise<void>;
  /** Returns once what was appended before has its place, or after half a second. */
  settle(): Promise<void>;
  verify(signal: AbortSignal, tell?: (progress: Progress) => void): Promise<Verification>;
}

export function createAudit(options: AuditOptions): Audit {
  const { mongo, ambient, replicaId, environment, environments = [environment], jobs, logger, registry } = options;
  const store = new AuditStore(mongo, ambient);
  let verified: ReturnType<Audit['lastVerification']> = null;
  const told = createAuditMetrics(registry);
  const metrics: AuditMetrics = {
    ...told,
    verified(result, at) {
      verified = { ...result, at };
      told.verified(result, at);
    },
  };
  const witness = new Witness();
  const inbox = new InboxAge(store, ambient);
  const lease = new Lease(store, ambient, replicaId);
  const sequencer = new Sequencer({
    store,
    ambient,
    metrics,
    witness,
    inbox,
    environment,
    environments,
    logger,
    lease,
  });
  const verify: Audit['verify'] = (signal, tell) => verifyChain({ store, witness, environments, jobs, tell }, signal);
  const log: AuditLog = {
    append: appender(store, ambient, metrics, environment, () => sequencer.wake()),
    wake: () => sequencer.wake(),
  };
  const settle = (): Promise<void> => sequencer.settle();
  const sight: AuditSight = {
    freshness: () => freshness(store, inbox, sequencer),
    moved: () => witness.moved,
    lastVerification: () => verified,
  };
  return {
    log,
    name: 'audit',
    attention: auditLook(sight),
    probes: () => [auditProbe(sight, ambient)],
    reads: auditHandlers({
      store,
      search: new AuditSearch(store),
      log,
      ambient,
      metrics,
      environment,
      settle,
      verify,
    }),
    prepare: () => store.ensureIndexes(),
    start: () => sequencer.start(),
    stop: () => sequencer.stop(),
    settle,
    verify,
    ...sight,
  };
}

async function freshness(store: AuditStore, inbox: InboxAge, sequencer: Sequencer): Promise<AuditFreshness> {
  const [head, { waiting, since }, setAside] = await Promise.all([
    store.head(),
    inbox.look(),
    createSetAsideSight(store),
  ]);
  // Whatever stands there: a number on a page must be one.
  const seq = Number.isSafeInteger(head?.seq) ? head!.seq : 0;
  return { seq, waiting, waitingSince: since, blocked: sequencer.blocked, setAside };
}

function appender(
  store: AuditStore,
  ambient: Ambient,
  metrics: AuditMetrics,
  environment: string,
  wake: () => void,
): AuditLog['append'] {
  return async (draft: AuditDraft, session?: ClientSession) => {
    try {
      const record = pendingRecord(draft, ambient.id('aud'), ambient.now(), environment);
      await answered(ambient, DEADLINE_MS, store.append(record, session));
      metrics.appended(record.outcome);
      if (!session) wake();
      return record._id;
    } catch (error) {
      if (session && mayRetryTransaction(error)) throw error;
      metrics.failed();
      throw error instanceof Problem ? error : new Problem('audit.unavailable', undefined, {}, error);
    }
  };
}
