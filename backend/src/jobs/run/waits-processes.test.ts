// Jobs that wait, and replicas as processes that are killed meanwhile: nothing of a wait is in any of them.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Child } from '../../../testing/child.ts';
import { eventually } from '../../../testing/eventually.ts';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { temporaryFolder } from '../../../../testing/processes.ts';
import { parseControlKey } from '../../secrets/control-key.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { asked, person } from '../engine/engine.fixture.ts';
import { type JobEngine } from '../index.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import { engineOn } from '../engine/engine.fixture.ts';
import { cellsOf, CHILDREN, waitingKinds } from './waits.fixture.ts';

const CONTROL_KEY = randomBytes(32).toString('hex');
let mongo: Mongo;
let where: { uri: string; db: string };
let logs: string;
let processes: Child[] = [];

beforeAll(async () => {
  where = freshDatabase();
  logs = temporaryFolder('waits');
  mongo = await connectMongo(where.uri, where.db);
});
afterEach(async () => {
  await Promise.all(processes.map((one) => one.kill()));
  processes = [];
  await mongo.db.collection('replicas').deleteMany({});
});
afterAll(() => mongo.close());

/** Accepts jobs and signals, and runs nothing. */
function desk(): JobEngine {
  const engine = engineOn(mongo, 'desk', { controlKey: parseControlKey(CONTROL_KEY) });
  engine.define(Object.fromEntries(waitingKinds(mongo).map((kind) => [kind.kind, kind])));
  return engine;
}

async function start(name: string): Promise<Child> {
  const child = new Child({
    name,
    args: [join(import.meta.dirname, 'waits-process.fixture.ts')],
    env: { PATH: process.env['PATH'], MONGODB_URI: where.uri, DB: where.db, NAME: name, CONTROL_KEY },
    logFile: join(logs, `${name}.log`),
    ready: async () => {
      const one = await mongo.db.collection<{ _id: string }>('replicas').findOne({ _id: name });
      if (!one) throw new Error('not registered');
    },
  });
  processes.push(child);
  return child.start();
}

const read = async (jobId: string): Promise<JobDocument> =>
  (await mongo.db.collection<JobDocument>('jobs').findOne({ _id: jobId }))!;
const ended = (jobId: string): Promise<JobDocument> =>
  eventually(`${jobId} ends`, async () => read(jobId).then((job) => isFinal(job.state) && job));
const approve = (jobId: string) =>
  desk().signal(jobId, {
    name: 'approval',
    verdict: 'proceed',
    from: person('bob'),
    reason: 'seen',
    evidence: null,
    provenance: asked('tenants.update', 'x').provenance,
  });

describe('replicas that are killed while jobs wait', () => {
  it('NFR-07 a word that came while nobody ran, and a time that came while nobody ran, count', async () => {
    const first = await start('w1');
    const { _id } = await desk().submit(asked('tenants.update', 'k1'));
    await eventually('it waits for a word', async () => (await read(_id)).queue === 'signal');
    await first.kill();
    await approve(_id);
    await approve(_id);
    const second = await start('w2');
    await eventually('it waits for its time', async () => (await read(_id)).queue === 'time');
    await second.kill();
    await sleep(1_800);
    expect((await read(_id)).steps.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'waiting', 'pending']);
    await start('w3');
    expect((await ended(_id)).state).toBe('succeeded');
    const cells = await cellsOf(mongo).find({ _id: /^k1\./ as never }).toArray(); // prettier-ignore
    expect(cells.map(({ _id: cell, jobs }) => [cell, jobs])).toEqual([['k1.a', [_id]], ['k1.b', [_id]]]); // prettier-ignore
  });

  it('NFR-07 GEN-19 a parent and its children are carried on by whoever is left, each child once', async () => {
    await start('p0');
    const { _id } = await desk().submit(asked('tenants.bulk_pause', 'k2'));
    // Each is killed at some point of the family's five waits of 1.5 s; the next takes over.
    for (let n = 1; n <= 3; n += 1) {
      await sleep(400 + 500 * n);
      await processes.at(-1)!.kill();
      await start(`p${n}`);
    }
    const end = await ended(_id);
    expect([end.state, end.steps[0]!.outcome]).toEqual(['succeeded', Array.from({ length: CHILDREN }, () => 'succeeded')]); // prettier-ignore
    const cells = await cellsOf(mongo).find({ _id: /^k2-/ as never }).toArray(); // prettier-ignore
    expect(cells.map(({ jobs }) => jobs.length)).toEqual(Array.from({ length: CHILDREN }, () => 1));
    expect(await mongo.db.collection('jobs').countDocuments({ parent_job_id: _id })).toBe(CHILDREN);
  });
});
