// Secrets over HTTP with a real store: used by the step that needs them, and found nowhere else, whatever goes wrong.
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SECRET_SHOWN } from '@cloudlysis/contract';
import fc from 'fast-check';
import { Binary, type Db } from 'mongodb';
import { dropDatabase, freshDatabase } from '../../../../testing/mongo.ts';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createAudit, type Audit } from '../../audit/index.ts';
import { controlKeyFrom, type ControlKey } from '../../secrets/control-key.ts';
import { constantMutations, constantReads } from '../../http/answers.fixture.ts';
import { createLogger, mutationRoutes } from '../../http/index.ts';
import { startTestApi, type TestApi } from '../../http/test-api.fixture.ts';
import { PermissionTable } from '../../identity/index.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { canary, seenIn, shortCanary } from './seen-secrets.fixture.ts';
import { jobMutations, jobReads, type JobEngine } from '../index.ts';
import { Secret } from '../../secrets/secret.ts';
import { sha256 } from '../record/digest.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import { createSealedInputs } from '../store/sealed-inputs.ts';
import { startedOn } from './engine.fixture.ts';
import { jobMutation, type JobMutationId } from '../api/jobs.handlers.ts';
import { digestOf, holdsOf, KIND, rotate, rotation, usedIn, type Mode } from './secrets.fixture.ts';

const ambient = systemAmbient();
const controlKey = controlKeyFrom(randomBytes(32));
/** Every line of the log and every answer, heads and streams too. */
const told: string[] = [];
const to = new Writable({ write: (chunk, _encoding, done) => (told.push(String(chunk)), done()) });
const logger = createLogger('trace', to);

let mongo: Mongo;
let audit: Audit;
let engine: JobEngine;
let api: TestApi;
let token: string;

const engines: JobEngine[] = [];
const replica = async (replicaId: string, key: ControlKey = controlKey, more = {}): Promise<JobEngine> => {
  const own = { audit: audit.log, ambient, logger, controlKey: key, leaseMs: 2_000, ...more };
  const one = await startedOn(mongo, replicaId, { [KIND]: rotate(mongo, replicaId) as never }, own);
  engines.push(one);
  return one;
};

beforeAll(async () => {
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
  audit = createAudit({ mongo, ambient, replicaId: 'a', environment: 'dev', logger });
  await audit.prepare();
  audit.start();
  engine = await replica('a');
  const may = () => ({ allowed: true, reason: null });
  const permissions = new PermissionTable([{ id: 'dev', tier: 'dev' }]);
  api = await startTestApi({
    logger, permissions, audit: audit.log, mutations: { ...constantMutations(), ...jobMutations({ engine, ambient, may }, []) },
    reads: { ...constantReads(permissions), ...audit.reads, ...jobReads({ engine, ambient, may }) },
    more: mutationRoutes(rotation, jobMutation({ engine, ambient, may }, KIND as JobMutationId) as never),
  }); // prettier-ignore
  token = await api.token('owner');
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  for (const one of engines) await one.stop(500);
  await audit?.stop();
  await dropDatabase(mongo.db.databaseName);
  await mongo?.close();
});

interface Answer {
  readonly status: number;
  readonly body: any;
}

/** As a client does, once more where the store of a loaded machine took too long. */
async function ask(path: string, body?: unknown, headers: Record<string, string> = {}, tries = 5): Promise<Answer> {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await api.fetch(path.startsWith('/') ? path : `/admin/v1/${path}`, {
    token, ...(body === undefined ? {} : { method: 'POST', body: sent, headers: { 'content-type': 'application/json', ...headers } }),
  }); // prettier-ignore
  const text = await response.text();
  told.push(JSON.stringify([...response.headers]), text);
  if (response.status === 503 && tries > 1) return ask(path, body, headers, tries - 1);
  return {
    status: response.status,
    body: response.headers.get('content-type')?.includes('json;') || !response.ok ? JSON.parse(text) : text,
  };
}

let made = 0;
const fresh = (): string => `t${++made}`;

interface Wanted {
  readonly mode: Mode;
  readonly password: unknown;
  readonly smtp?: unknown;
}
/** Preflight and change, as a client does them; what the preflight is refused with is the answer. */
async function change(tenant: string, wanted: Wanted, key = tenant, prefer = 'wait=30'): Promise<Answer> {
  const path = `fixtures/${tenant}/rotate`;
  const plan = await ask(`${path}/preflight`, wanted);
  const body = { ...wanted, reason: 'because' };
  const answer = await ask(path, body, { 'idempotency-key': key, 'plan-hash': plan.body.hash ?? 'none', prefer });
  return plan.status === 200 ? answer : plan;
}
/** The change once more under its key, as it was or with another secret. */
const again = (tenant: string, wanted: Wanted): Promise<Answer> =>
  ask(`fixtures/${tenant}/rotate`, { ...wanted, reason: 'because' }, { 'idempotency-key': tenant, 'plan-hash': 'any' });

/** Text of every document of a database, its bytes as bytes, as text and as base64. */
async function contents(db: Db): Promise<string> {
  const parts: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') parts.push(value);
    else if (value instanceof Binary || Buffer.isBuffer(value)) {
      const bytes = Buffer.from(value instanceof Binary ? value.buffer : value);
      parts.push(bytes.toString('latin1'), bytes.toString('utf8'), bytes.toString('base64'));
    } else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) {
        parts.push(name);
        walk(inner);
      }
  };
  for (const { name } of await db.listCollections().toArray()) {
    const documents = await db.collection(name).find().toArray();
    documents.forEach(walk);
    parts.push(JSON.stringify(documents));
  }
  return parts.join('\n');
}

/** What was told and what is stored, anywhere. */
async function everything(): Promise<string> {
  for (const path of ['jobs?limit=200', 'audit/records?limit=200', 'audit/export', '/metrics']) await ask(path);
  await audit.settle();
  return [...told, await contents(mongo.db), await contents(api.mongo.db)].join('\n');
}

async function expectUnseen(...values: string[]): Promise<void> {
  const text = await everything();
  // It is all there: what is no secret is found.
  expect(seenIn(text, 'fixture.rotate')).not.toEqual([]);
  expect(values.map((value) => [value, seenIn(text, value)]).filter(([, seen]) => seen!.length > 0)).toEqual([]);
}

const secretsLeft = () => mongo.db.collection('job_secrets').countDocuments();
const used = async (id: string) => (await usedIn(mongo).findOne({ _id: id }))?.sha256 ?? null;
const ended = (jobId: string): Promise<JobDocument> =>
  eventually(`${jobId} ends`, async () => {
    const job = await engine.store.get(jobId);
    return job && isFinal(job.state) && job;
  }, 30_000); // prettier-ignore

/** How each mode ends: as a job, or with the code of the refusal. */
const JOBS = {
  ok: 'succeeded', plan: 'succeeded', facts: 'succeeded', child: 'succeeded', 'refused child': 'succeeded', intent: 'compensated',
  outcome: 'compensated', commit: 'compensated', throws: 'compensated', 'throws a problem': 'compensated', verify: 'compensated',
  'verify throws': 'compensated', undo: 'compensated',
} as const; // prettier-ignore
const REFUSED = { 'plan throws': 'internal', blocked: 'preflight.blocked' } as const;

async function runAndReplay(mode: Mode, wanted: Wanted, value: string): Promise<unknown[]> {
  const tenant = fresh();
  const { body } = await change(tenant, wanted);
  if (!body.job_id) throw new Error(JSON.stringify(body));
  const job = (await ask(`jobs/${body.job_id}`)).body;
  await ask(`jobs/${body.job_id}/events`);
  const other = { ...wanted, password: `${String(wanted.password)}x` };
  // The same request is the same job; another secret is another request.
  const replays = [(await again(tenant, wanted)).body.job_id === job.job_id, (await again(tenant, other)).body.code];
  const ran = mode === 'intent' || (await used(job.job_id)) === digestOf(value);
  return [mode, job.state, ran, ...replays, job.secrets, job.input.password];
}

describe('SEC-01 SEC-02 NFR-05 a secret is used, and found nowhere', () => {
  it.each([
    ['of any text', canary, 2],
    ['of one or two characters', shortCanary, 1],
  ] as const)(
    '%s: plans, steps, proofs and problems of every end, children and replays',
    async (_, values, numRuns) => {
      const property = fc.asyncProperty(values, canary, async (password, smtp) => {
        const wanted = (mode: string): Wanted => ({
          mode: mode as Mode,
          password,
          smtp: { host: 'mail', token: smtp },
        });
        const ends = Object.keys(JOBS).map((mode) => runAndReplay(mode as Mode, wanted(mode), password + smtp));
        const codes = Object.keys(REFUSED).map(async (mode) => [mode, (await change(fresh(), wanted(mode))).body.code]);
        expect(await Promise.all(ends)).toEqual(
          Object.entries(JOBS).map(([mode, end]) => [
            mode,
            end,
            true,
            true,
            'idempotency.key_reused',
            ['password', 'smtp/token'],
            SECRET_SHOWN,
          ]),
        );
        expect(await Promise.all(codes)).toEqual(Object.entries(REFUSED));
        await expectUnseen(password, smtp);
        expect(await secretsLeft()).toBe(0);
      });
      await fc.assert(property, { numRuns, endOnFailure: true });
    },
    120_000,
  );

  it('API-16 in a body that does not fit: what is wrong is told without it', async () => {
    const property = fc.asyncProperty(canary, fc.integer({ min: 10 ** 12, max: 10 ** 15 }), async (text, number) => {
      const path = `fixtures/${fresh()}/rotate/preflight`;
      const bad: unknown[] = [
        { mode: text.slice(0, 0), password: text }, { mode: 'ok', password: text.padEnd(2_050) }, { mode: 'ok', password: [text] },
        { mode: 'ok', password: { [text.replace(/[^\w]/g, '') || 'k']: text } }, { mode: 'ok', password: number }, { mode: 'ok', password: text, smtp: { token: text } },
        { mode: 'ok', password: `${text}\ud800` }, { mode: 'ok', password: text, more: 1 }, { mode: 'ok', smtp: { host: 'h', token: text } },
      ]; // prettier-ignore
      const json = JSON.stringify({ mode: 'ok', password: text });
      const broken = [
        json.slice(0, -3),
        `${json}}`,
        `{"mode":"ok","password":${number}123456789}`,
        `{"password":${JSON.stringify(text)},"password":1}`,
        `{"mode":"ok","password":"${text.replace(/["\\]/g, '')}\u0001"}`,
      ];
      const statuses = await Promise.all([...bad, ...broken].map(async (body) => (await ask(path, body)).status));
      expect(statuses.filter((status) => status !== 422 && status !== 400)).toEqual([]);
      await expectUnseen(text, String(number));
    });
    await fc.assert(property, { numRuns: 6, endOnFailure: true });
  });

  it('GEN-33 while its job waits and runs, and when it is cancelled then', async () => {
    const [password, tenant] = [fc.sample(canary, 1)[0]!, fresh()];
    await holdsOf(mongo).insertOne({ _id: tenant });
    const held = await change(tenant, { mode: 'hold', password }, tenant, 'wait=0');
    const queued = await change(tenant, { mode: 'hold', password }, `${tenant} 2`, 'wait=0');
    await eventually('the step has it', async () => (await used(held.body.job_id)) !== null);
    expect(await secretsLeft()).toBe(2);
    await expectUnseen(password);
    for (const { body } of [queued, held]) {
      await ask(`jobs/${body.job_id}/cancel/preflight`, {});
      expect(
        (await ask(`jobs/${body.job_id}/cancel`, { reason: 'wrong one' }, { 'idempotency-key': body.job_id })).status,
      ).toBeLessThan(300);
    }
    expect((await ended(queued.body.job_id)).state).toBe('cancelled');
    expect((await ended(held.body.job_id)).state).toBe('compensated');
    // The way back had it, too.
    expect(await used(`${held.body.job_id} undone`)).toBe(digestOf(password));
    await expectUnseen(password);
    expect(await secretsLeft()).toBe(0);
  });
});

describe('SEC-01 GEN-34 trying a job again', () => {
  it('asks for its secrets, by name, and takes no others; plan and key are of these very secrets', async () => {
    const [password, smtp, other] = fc.sample(canary, 3) as [string, string, string];
    const { body: first } = await change(fresh(), { mode: 'verify', password, smtp: { host: 'mail', token: smtp } });
    const path = `jobs/${first.job_id}/retry`;
    const retry = (secrets: unknown, hash = 'none', key = 'again') =>
      ask(
        path,
        { reason: 'once more', ...(secrets ? { secrets } : {}) },
        { 'idempotency-key': key + first.job_id, 'plan-hash': hash, prefer: 'wait=30' },
      );
    for (const answer of [await ask(`${path}/preflight`, {}), await retry(null)])
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'secret.needed', fields: ['password', 'smtp/token'] },
      });
    expect((await retry({ password })).body).toMatchObject({ code: 'secret.needed', fields: ['smtp/token'] });
    expect((await retry({ password, 'smtp/token': smtp, [`${'x'}`]: other })).body.code).toBe('request.invalid');
    expect((await retry({ password: other.padEnd(2_050), 'smtp/token': smtp })).body.code).toBe('request.invalid');
    const secrets = { password: other, 'smtp/token': smtp };
    const { hash } = (await ask(`${path}/preflight`, { secrets })).body;
    expect((await retry({ ...secrets, password }, hash)).body.code).toBe('plan.stale');
    const { status, body } = await retry(secrets, hash);
    expect([status, body.state, body.retry_of, body.secrets, body.input.password]).toEqual([
      200,
      'compensated',
      first.job_id,
      ['password', 'smtp/token'],
      SECRET_SHOWN,
    ]);
    expect(await used(body.job_id)).toBe(digestOf(other + smtp));
    expect((await retry(secrets, hash)).body.job_id).toBe(body.job_id);
    expect((await retry({ ...secrets, password }, hash)).body.code).toBe('idempotency.key_reused');
    await expectUnseen(password, smtp, other);
  });
});

/** Held by nobody until a replica is told to run it. */
async function waitingJob(password: string): Promise<string> {
  const tenant = fresh();
  await holdsOf(mongo).insertOne({ _id: tenant });
  const { body } = await change(tenant, { mode: 'wait', password }, tenant, 'wait=0');
  await eventually('the step has it', async () => (await used(body.job_id)) !== null);
  return body.job_id;
}
const jobs = () => mongo.db.collection<JobDocument>('jobs');
const boxes = () => mongo.db.collection<{ _id: string; fields: { name: string; box: Binary }[] }>('job_secrets');

describe('SEC-01 what is sealed', () => {
  it('tells nobody without CONTROL_KEY which value it is, nor that two jobs have the same', async () => {
    const [tenant, wanted] = [fresh(), { mode: 'ok', password: '4711' } as const];
    const ids = [(await change(tenant, wanted, 'k1')).body.job_id, (await change(tenant, wanted, 'k2')).body.job_id];
    const [one, two] = (await Promise.all(ids.map((id) => engine.store.get(id)))) as [JobDocument, JobDocument];
    expect(one.input).toEqual(two.input);
    expect(one.request_hash).not.toBe(two.request_hash);
    const hashOf = (secrets: unknown) => sha256({ kind: KIND, input: one.input, retry_of: null, secrets });
    const secrets = new Map([['password', new Secret('4711')]]);
    const under = (key: ControlKey, context: string) =>
      createSealedInputs(mongo, key, ambient.now).digests(secrets, context);
    expect(hashOf(under(controlKey, one.idempotency))).toBe(one.request_hash);
    expect(hashOf(under(controlKeyFrom(randomBytes(32)), one.idempotency))).not.toBe(one.request_hash);
  });

  it('is swept at the start where its job has ended or never was', async () => {
    const at = new Date(ambient.now().getTime() - 3_600_000);
    const { _id } = (await jobs().findOne({ state: 'succeeded' }))!;
    await mongo.db.collection<any>('job_secrets').insertMany([
      { _id, fields: [], at },
      { _id: 'job_none', fields: [], at },
      { _id: 'job_odd', fields: 7, at: 7 },
      { _id: 'job_young', fields: [], at: ambient.now() },
    ]);
    await replica('c', controlKey, { slots: 0 });
    expect(await boxes().distinct('_id')).toEqual(['job_young']);
    await boxes().deleteMany({});
  });

  // Last: what HTTP speaks to is stopped by it.
  it('opens in its own job and field alone, and nothing is done with what does not open', async () => {
    const ids = await Promise.all(fc.sample(canary, 4).map(waitingJob));
    const [swapped, cut, gone, foreign] = ids as [string, string, string, string];
    await engine.stop(500);
    const sealed = await boxes().findOne({ _id: cut });
    await boxes().updateOne({ _id: swapped }, { $set: { fields: sealed!.fields } });
    await boxes().updateOne({ _id: cut }, { $set: { 'fields.0.box': new Binary(Buffer.alloc(7)) } });
    await boxes().deleteOne({ _id: gone });
    await jobs().updateOne({ _id: foreign }, { $set: { 'secrets.key': 'another' } });
    await usedIn(mongo).deleteMany({});
    engine = await replica('b');
    const said = await Promise.all(ids.map(async (id) => (await ended(id)).problem));
    expect(
      said.map((problem) => [
        problem!.code,
        /altered|no longer there|another CONTROL_KEY \(another\)/.exec(problem!.detail)?.[0],
      ]),
    ).toEqual([
      ['secret.unreadable', 'altered'],
      ['secret.unreadable', 'altered'],
      ['secret.unreadable', 'no longer there'],
      ['secret.unreadable', 'another CONTROL_KEY (another)'],
    ]);
    expect(await usedIn(mongo).countDocuments()).toBe(0);
    expect(await secretsLeft()).toBe(0);
  });
});
