// Replicas of the engine as it is, on a database of their own; what their steps do is the test's.
import type { MutationId } from '@cloudlysis/contract';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { operator } from '../../audit/audit.fixture.ts';
import { createAudit } from '../../audit/index.ts';
import { passingControlKey } from '../../secrets/control-key.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import type { Principal } from '../../call/principal.ts';
import type { JobDefinition, Step } from '../define/definition.ts';
import { createJobEngine, type EngineOptions, type JobEngine } from '../index.ts';
import type { JobDocument } from '../record/job-document.ts';
import { everybodyMay } from './may-all.fixture.ts';
import type { Submission } from './submission.ts';

export interface Input {
  readonly tenant: string;
}

type Own = Partial<Omit<EngineOptions, 'mongo' | 'replicaId'>>;

/** Replicas share one. */
const controlKey = passingControlKey();

/** A replica that refuses nobody and says nothing, neither prepared nor started. */
export function engineOn(mongo: Mongo, replicaId: string, own: Own = {}): JobEngine {
  const { ambient = systemAmbient() } = own;
  const audit = own.audit ?? createAudit({ mongo, ambient, replicaId, environment: 'dev' }).log;
  const plain = { may: everybodyMay, logger: pino({ level: 'silent' }), metrics: new Registry(), controlKey };
  return createJobEngine({ ...plain, ...own, mongo, replicaId, ambient, audit });
}

/** The same, started, with what it knows. */
export async function startedOn(
  mongo: Mongo,
  replicaId: string,
  definitions: Parameters<JobEngine['define']>[0],
  own: Own = {},
): Promise<JobEngine> {
  const { ambient = systemAmbient() } = own;
  const audit = createAudit({ mongo, ambient, replicaId, environment: 'dev' });
  if (!own.audit) await audit.prepare();
  const engine = engineOn(mongo, replicaId, { audit: audit.log, ...own, ambient });
  engine.define(definitions);
  await engine.prepare();
  await engine.start();
  return engine;
}

export interface Site extends AsyncDisposable {
  readonly mongo: Mongo;
  /** A replica that knows `kinds`, started. */
  replica(id: string, kinds: readonly JobDefinition<Input>[], options?: Own): Promise<JobEngine>;
  job(jobId: string): Promise<JobDocument>;
}

export async function site(): Promise<Site> {
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  const open: (() => Promise<void>)[] = [() => mongo.close()];
  return {
    mongo,
    async replica(id, kinds, options = {}) {
      const known = Object.fromEntries(kinds.map((one) => [one.kind, one]));
      const engine = await startedOn(mongo, id, known, { leaseMs: 2_000, ...options });
      open.push(() => engine.stop(500));
      return engine;
    },
    job: async (jobId) => (await mongo.db.collection<JobDocument>('jobs').findOne({ _id: jobId }))!,
    async [Symbol.asyncDispose]() {
      for (const close of open.reverse()) await close();
    },
  };
}

export const ADA: Principal = { ...operator, id: 'user:ada@acme.test', email: 'ada@acme.test' };
export const person = (name: string): Principal => ({
  ...ADA,
  id: `user:${name}@acme.test`,
  email: `${name}@acme.test`,
});

export const asked = (kind: MutationId, tenant: string, more: Partial<Submission> = {}): Submission => ({
  kind, input: { tenant }, reason: 'because', actor: ADA, idempotencyKey: `${kind} ${tenant}`, planHash: null,
  provenance: { requestId: `req-${tenant}`, traceId: null, ip: null, agent: null }, parentJobId: null, retryOf: null, ...more,
}); // prettier-ignore

/** A kind with these steps, in the tenant's lane, about nothing in particular. */
export const kindOf = (
  kind: MutationId,
  steps: readonly Step<Input>[],
  more: Partial<JobDefinition<Input>> = {},
): JobDefinition<Input> => ({
  kind,
  risk: 'low',
  permission: 'tenants.update',
  lane: ({ tenant }) => `tenant:${tenant}`,
  tenantId: ({ tenant }) => tenant,
  resource: ({ tenant }) => `tenant:${tenant}`,
  plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: 'undone' }),
  steps,
  verify: async () => ({ checks: [], facts: {} }),
  ...more,
});
