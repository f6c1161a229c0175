// A job's secret survives the death of the replica that ran it, and nothing that a death leaves behind has it.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SECRET_SHOWN } from '@cloudlysis/contract';
import fc from 'fast-check';
import { dropDatabase, freshDatabase } from '../../../../testing/mongo.ts';
import { Child } from '../../../testing/child.ts';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { operator } from '../../audit/audit.fixture.ts';
import { createAudit, type Audit } from '../../audit/index.ts';
import { parseControlKey } from '../../secrets/control-key.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { Secret } from '../../secrets/secret.ts';
import { canary, seenIn } from './seen-secrets.fixture.ts';
import { type JobEngine } from '../index.ts';
import { isFinal } from '../record/job-document.ts';
import { startedOn } from './engine.fixture.ts';
import { digestOf, holdsOf, KIND, rotate, usedIn } from './secrets.fixture.ts';

const key = randomBytes(32).toString('base64');
const [own, others] = [parseControlKey(key), parseControlKey(randomBytes(32).toString('base64'))];
const ambient = systemAmbient();
const { uri, db } = freshDatabase();
let mongo: Mongo;
let audit: Audit;
let child: Child;
let logFile: string;

const replica = (replicaId: string, controlKey = own, slots = 4): Promise<JobEngine> => {
  const options = { audit: audit.log, ambient, controlKey, slots, leaseMs: 1_500 };
  return startedOn(mongo, replicaId, { [KIND]: rotate(mongo, replicaId) as never }, options);
};

beforeAll(async () => {
  mongo = await connectMongo(uri, db);
  audit = createAudit({ mongo, ambient, replicaId: 'a', environment: 'dev' });
  await audit.prepare();
  logFile = join(await mkdtemp(join(tmpdir(), 'secrets-')), 'child.log');
  child = new Child({
    name: 'child', logFile, args: [new URL('./secrets-process.fixture.ts', import.meta.url).pathname],
    env: { ...process.env, MONGODB_URI: uri, DB: db, CONTROL_KEY: key },
    ready: async () => {
      if (!(await mongo.db.collection('replicas').findOne({ _id: 'child' } as never))) throw new Error('not registered');
    },
  }); // prettier-ignore
});
afterAll(async () => {
  await child.kill().catch(() => undefined);
  await dropDatabase(db);
  await mongo.close();
});

/** A job that its replica holds until it is killed. */
async function killedWith(desk: JobEngine, password: string, tenant: string): Promise<string> {
  const wanted = {
    kind: KIND, input: { tenant_id: tenant, mode: 'wait', password: SECRET_SHOWN }, secrets: new Map([['password', new Secret(password)]]),
    actor: operator, retryOf: null,
  } as const; // prettier-ignore
  await holdsOf(mongo).insertOne({ _id: tenant });
  const { hash } = await desk.preflight(wanted);
  const { _id } = await desk.submit({
    ...wanted,
    reason: 'because',
    idempotencyKey: tenant,
    planHash: hash,
    parentJobId: null,
    provenance: { requestId: 'r', traceId: null, ip: null, agent: null },
  });
  await eventually('the child has it', async () => (await usedIn(mongo).findOne({ _id }))?.by === 'child');
  return _id;
}
const endOf = (jobId: string, engine: JobEngine) =>
  eventually('it ends', async () => {
    const job = await engine.store.get(jobId);
    return job && isFinal(job.state) && job;
  }, 20_000); // prettier-ignore

it('SEC-01 NFR-07 a job whose replica is killed goes on with its secret elsewhere, and ends with a problem under another key', async () => {
  const [password, second] = fc.sample(canary, 2) as [string, string];
  const desk = await replica('desk', own, 0);
  await child.start();
  const ids = [await killedWith(desk, password, 'one'), await killedWith(desk, second, 'two')] as const;
  await child.kill();
  const { sha256 } = (await usedIn(mongo).findOne({ _id: ids[0] }))!;
  expect(sha256).toBe(digestOf(password));
  await usedIn(mongo).deleteMany({});

  // Only the first lane is let go to the replica that shares the key, before the other one comes.
  await mongo.db
    .collection<{ _id: string }>('jobs')
    .updateOne({ _id: ids[1] }, { $set: { 'secrets.key': others.mark } });
  const next = await replica('next');
  await holdsOf(mongo).deleteMany({});
  const [one, two] = await Promise.all(ids.map((id) => endOf(id, desk)));
  expect(one!.fence).toBeGreaterThan(1);
  expect([one!.state, await usedIn(mongo).findOne({ _id: ids[0] })]).toMatchObject([
    'succeeded',
    { sha256: digestOf(password), by: 'next' },
  ]);
  expect([two!.state, two!.problem]).toMatchObject(['compensated', { code: 'secret.unreadable', step: 'secrets' }]);
  expect(two!.problem!.detail).toContain(`another CONTROL_KEY (${others.mark})`);
  await Promise.all([desk.stop(500), next.stop(500)]);
  const log = readFileSync(logFile, 'utf8');
  expect([...seenIn(log, password), ...seenIn(log, second)]).toEqual([]);
});
