// A job engine on a store of its own, with one job of three steps whose effects cost nothing: what is left is the engine.
import type { Proof } from '@cloudlysis/contract';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { passingControlKey } from '../../backend/src/secrets/control-key.ts';
import { systemAmbient } from '../../backend/src/kernel/ambient.ts';
import { createAudit, type Audit } from '../../backend/src/audit/index.ts';
import { createJobEngine, type JobDefinition, type JobEngine } from '../../backend/src/jobs/index.ts';
import { connectMongo, type Mongo } from '../../backend/src/ports/mongo/mongo.ts';
import { everybodyMay } from '../../backend/src/jobs/engine/may-all.fixture.ts';

interface Input {
  readonly tenant: string;
}

export interface JobRig {
  readonly mongo: Mongo;
  readonly engine: JobEngine;
  readonly audit: Audit;
  /** Submits one job and resolves with its id once its end is durable. */
  run(): Promise<string>;
  stop(): Promise<void>;
}

export interface RigOptions {
  /** Chains audit records in the background, as the service does. */
  readonly chained: boolean;
  readonly replicaId?: string;
}

/** `verified` is told the job's id just before its last transaction. */
export function threeSteps(verified: (jobId: string) => void): JobDefinition<Input> {
  const check = {
    id: 'holds',
    title: 'Holds',
    status: 'pass',
    measured: 1,
    limit: 1,
    unit: null,
    detail: 'holds',
  } as const;
  return {
    kind: 'tenants.update',
    risk: 'low',
    permission: 'tenants.update',
    lane: ({ tenant }) => `tenant:${tenant}`,
    tenantId: ({ tenant }) => tenant,
    resource: ({ tenant }) => `tenant:${tenant}`,
    plan: async () => ({
      checks: [check],
      diff: [{ op: 'replace', path: 'metadata.plan', before: 'free', after: 'pro' }],
      blastRadius: [],
      rollback: 'the old value is written back',
    }),
    steps: ['read', 'write', 'publish'].map((name) => ({
      name,
      title: `${name} the record`,
      run: async () => ({ done: name }),
    })),
    verify: async ({ jobId }): Promise<Proof> => {
      verified(jobId);
      return { checks: [check], facts: { version: 2 } };
    },
  };
}

export async function jobRig(uri: string, database: string, options: RigOptions): Promise<JobRig> {
  const ambient = systemAmbient();
  const replicaId = options.replicaId ?? 'bench';
  const mongo = await connectMongo(uri, database);
  const audit = createAudit({ mongo, ambient, replicaId, environment: 'dev' });
  await audit.prepare();
  if (options.chained) audit.start();
  const logger = pino({ level: 'silent' });
  const engine = createJobEngine({
    may: everybodyMay,
    mongo,
    audit: audit.log,
    ambient,
    logger,
    metrics: new Registry(),
    replicaId,
    controlKey: passingControlKey(),
  });
  const verified = new Set<string>();
  engine.define({ 'tenants.update': threeSteps((jobId) => verified.add(jobId)) });
  await engine.prepare();
  await engine.start();
  let count = 0;
  return {
    mongo,
    engine,
    audit,
    async run() {
      const name = `${database}-${++count}`;
      const job = await engine.submit({
        kind: 'tenants.update', input: { tenant: name }, reason: 'a benchmark', actor: 'user:bench@acme.test', idempotencyKey: name,
        planHash: null, provenance: { requestId: `req_${name}`, traceId: null, ip: '127.0.0.1', agent: 'bench' },
        parentJobId: null, retryOf: null,
      }); // prettier-ignore
      // The first signal after the proof follows the commit of the last transaction.
      await new Promise<void>((resolve) => {
        const off = engine.notices.on(job._id, () => {
          if (!verified.delete(job._id)) return;
          off();
          resolve();
        });
      });
      return job._id;
    },
    async stop() {
      await engine.stop(2_000);
      if (options.chained) await audit.stop();
      await mongo.close();
    },
  };
}
