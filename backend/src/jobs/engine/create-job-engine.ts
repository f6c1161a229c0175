/**
 * The job engine: claims what may run, runs it in slots, takes over what a dead replica left, hands back on stop.
 *
 * It wakes on events (a submission here, a change stream for the other replicas); one sweep a second is the safety
 * net and reads only jobs that hold a lane or may be claimed, so jobs that wait cost nothing.
 */
import { Problem } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { ControlKey } from '../../secrets/control-key.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import { createStoreClock, type StoreClock } from '../../ports/mongo/store-clock.ts';
import { createCancel } from './cancel-job.ts';
import { createChildren } from './children.ts';
import { createClaims } from './claims.ts';
import type { JobDefinition } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import { createJobNotices } from '../store/job-notices.ts';
import type { ActiveJob } from '../record/job-reader.ts';
import { createJobStore } from '../store/jobs.store.ts';
import { createJobWatch } from '../store/job-watch.ts';
import { assertDefinition, unfamiliar } from '../store/known-job.ts';
import { createJobMetrics } from './metrics.ts';
import { createReplicas } from '../store/replicas.ts';
import type { CrashPoint } from '../run/run-record.ts';
import { runJob } from '../run/runner.ts';
import { createSealedInputs } from '../store/sealed-inputs.ts';
import { createWaitForEnd } from '../store/wait-for-end.ts';
import type { May } from '../record/rights.ts';
import { createSignalStore } from '../store/signal-store.ts';
import { createSignalling } from './signalling.ts';
import { createPlanSeal } from '../plan/plan-seal.ts';
import { preflight, submit, type Submission } from './submission.ts';
import { createSweeps } from './sweeps.ts';
import { createUnknownJobs } from './unknown-jobs.ts';
import type { JobEngine } from './job-engine.ts';

export interface EngineOptions {
  readonly mongo: Mongo;
  readonly audit: AuditLog;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly replicaId: string;
  /** Time that all replicas share; read from the store unless given. */
  readonly clock?: StoreClock;
  /** Replicas share one. */
  readonly controlKey: ControlKey;
  /** Jobs at once in this replica. */
  readonly slots?: number;
  /** Silence after which a replica is dead, in milliseconds. */
  readonly leaseMs?: number;
  /** Asked again when a job goes on after a wait. */
  readonly may: May;
  readonly crashPoint?: (point: CrashPoint) => void | Promise<void>;
}

/** How long an aborted step is waited for before its job is left to the sweep of another replica. */
const SETTLE_MS = 5_000;
const STOPPING = new Problem('service.stopping');

export function createJobEngine(options: EngineOptions): JobEngine {
  const { mongo, audit, logger } = options;
  const clock = options.clock ?? createStoreClock(mongo, options.ambient);
  // What one replica writes is judged by others, and their clocks differ: times of jobs are the store's.
  const ambient: Ambient = { ...options.ambient, now: () => clock.now() };
  const store = createJobStore(mongo, ambient.now);
  const notices = createJobNotices();
  const watch = createJobWatch({ store, notices, ambient, logger });
  const seal = createPlanSeal(options.controlKey, () => ambient.uuid());
  const sealed = createSealedInputs(mongo, options.controlKey, ambient.now);
  const definitions = new Map<string, JobDefinition<unknown>>();
  const { mark } = options.controlKey;
  const peers = createReplicas(mongo, ambient, options.replicaId, options.leaseMs ?? 5_000, clock.aheadMs, mark);
  const unmet = createUnknownJobs(store, ambient, (kind) => definitions.get(kind));
  const metrics = createJobMetrics(options.metrics, () => claims.running.size);
  let unwatch: (() => Promise<void>) | undefined;

  const definitionOf = (kind: string): JobDefinition<unknown> => {
    const definition = definitions.get(kind);
    if (!definition) throw unfamiliar(`the kind ${kind}`);
    return definition;
  };
  const claims = createClaims({
    store, notices, peers, ambient, logger, metrics, unmet, definitionOf,
    slots: options.slots ?? 64,
    run: (job, signal, log) => runJob({ ...runnerDeps, logger: log }, job, signal),
  }); // prettier-ignore
  const sweeps = createSweeps({ store, claims, peers, unmet, clock, ambient, logger });

  const submitJob = async (wanted: Submission): Promise<JobDocument> => {
    if (claims.isClosed()) throw STOPPING;
    const deps = { mongo, store, audit, ambient, seal, sealed, definitionOf };
    return claims.begin((jobId, claimant) => submit(deps, wanted, jobId, claimant));
  };

  const settled = createWaitForEnd({ store, watch, ambient, runOf: (jobId) => claims.running.get(jobId)?.done });
  const cancel = createCancel({
    mongo, store, sealed, audit, ambient,
    taken: (jobId) => {
      claims.lose(jobId);
      notices.changed(jobId);
    },
  }); // prettier-ignore
  const sent = createSignalStore(mongo);
  const signals = createSignalling({
    mongo, store, signals: sent, audit, ambient, definitionOf, may: options.may,
    woken: (jobId) => {
      notices.changed(jobId);
      claims.claimSoon();
    },
  }); // prettier-ignore
  const runnerDeps = {
    mongo, store, sealed, audit, ambient, logger, definitionOf, signals: sent, may: options.may,
    changed: (jobId: string) => notices.changed(jobId),
    children: createChildren({ store, submit: submitJob, cancel }),
    crashPoint: options.crashPoint ?? (() => undefined),
  }; // prettier-ignore

  const prepare = async (): Promise<void> => {
    await clock.read();
    await store.ensureIndexes();
    await sent.ensureIndexes();
    await store.lookUp();
    await sealed.sweep();
  };

  return {
    store,
    notices,
    watch,
    now: ambient.now,
    define: (more) => {
      for (const [kind, definition] of Object.entries(more)) {
        assertDefinition(definition as unknown as JobDefinition<unknown>);
        definitions.set(kind, definition as unknown as JobDefinition<unknown>);
      }
    },
    otherReplicas: peers.others,
    definitionOf,
    seal,
    withOtherKey: () => peers.withOtherKey(),
    namesake: () => (peers.hasNamesake() ? options.replicaId : null),
    unknownJobs: unmet.waiting,
    preflight: (wanted) => preflight({ seal, sealed, ambient, definitionOf }, wanted),
    submit: submitJob,
    signal: signals.send,
    signalled: signals.asked,
    cancel,
    settled,
    active: async () => (await store.active()).map(toActive),
    holderOf: async (lane, except) => {
      const job = await store.holderOf(lane, except);
      return job && toActive(job);
    },
    prepare,
    async start() {
      await peers.register();
      claims.open();
      unwatch = store.watch(() => void sweeps.soon(), ambient);
      sweeps.start();
    },
    async stop(ms) {
      sweeps.stop();
      claims.close(STOPPING);
      const end = ambient.monotonic() + Math.min(ms, SETTLE_MS);
      const atRest = (): Promise<unknown> => {
        const all = Promise.all([...claims.running.values()].map((run) => run.done));
        return Promise.race([all, ambient.sleep(Math.max(0, end - ambient.monotonic()))]);
      };
      await atRest();
      await sweeps.ended();
      // What the last sweep had claimed meanwhile.
      await atRest();
      await unwatch?.();
      await watch.stop();
      await peers.leave().catch(() => undefined);
    },
  };
}

const toActive = (job: JobDocument): ActiveJob => ({
  jobId: job._id,
  kind: job.kind,
  tenantId: job.tenant_id,
  lane: job.lane,
  actor: job.actor,
  since: job.created_at,
  input: job.input,
});
