import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { startMongo } from '../../../testing/mongo.ts';
import { freeze } from '../../../testing/processes.ts';
import { systemAmbient } from '../kernel/ambient.ts';
import { connectMongo } from '../ports/mongo/mongo.ts';
import { createAudit } from './index.ts';
import { draftOf, everyPage, operator, testLog } from './audit.fixture.ts';
import { stopwatch } from '../../../testing/stopwatch.ts';

describe('GEN-31 a record is part of what it records', () => {
  it('is there when the transaction commits, and is not when it aborts', async () => {
    await using log = await testLog();
    await log.mongo.transaction(
      async (session) => void (await log.audit.log.append(draftOf({ resource: 'kept' }), session)),
    );
    const aborted = log.mongo.transaction(async (session) => {
      await log.audit.log.append(draftOf({ resource: 'gone' }), session);
      throw new Error('the effect failed');
    });
    await expect(aborted).rejects.toThrow('the effect failed');
    log.audit.log.wake();
    expect((await everyPage(log, {})).map((record) => record.resource)).toEqual(['kept']);
  });

  it('many transactions at once never queue on the chain and all have their record', async () => {
    await using log = await testLog();
    log.audit.start();
    const states = log.mongo.db.collection<{ _id: number; n: number }>('states');
    await states.insertMany(Array.from({ length: 40 }, (_, n) => ({ _id: n, n: 0 })));
    const mutate = async (n: number): Promise<void> =>
      log.mongo.transaction(async (session) => {
        await states.updateOne({ _id: n }, { $inc: { n: 1 } }, { session });
        await log.audit.log.append(draftOf({ resource: `state:${n}` }), session);
      });
    await Promise.all(Array.from({ length: 40 }, async (_, n) => mutate(n)));
    expect(new Set((await everyPage(log, {})).map((record) => record.resource)).size).toBe(40);
  });

  it('lets the driver see what it may retry', async () => {
    await using log = await testLog();
    const session = log.mongo.client.startSession();
    session.startTransaction();
    await log.audit.log.append(draftOf(), session);
    await session.abortTransaction();
    await session.endSession();
    let tries = 0;
    const ids = await log.mongo.transaction(async (its) => {
      tries += 1;
      const id = await log.audit.log.append(draftOf(), its);
      if (tries > 1) return [id];
      await log.mongo.db.collection('other').insertOne({ tries }, { session: its });
      const { MongoServerError } = await import('mongodb');
      const conflict = new MongoServerError({ message: 'WriteConflict', code: 112 });
      conflict.addErrorLabel('TransientTransactionError');
      throw conflict;
    });
    expect([tries, (await everyPage(log, {})).map((record) => record.record_id)]).toEqual([2, ids]);
  });
});

it('keeps its bounds: ids that are not ours become null, texts are cut', async () => {
  await using log = await testLog();
  const id = await log.audit.log.append(
    draftOf({
      tenantId: '../../etc',
      jobId: 'nonsense',
      reason: 'r'.repeat(600),
      actor: { ...operator, onBehalfOf: 'user:boss@acme.test' },
      provenance: { requestId: 'req_7', traceId: 't', ip: '::1', agent: 'a'.repeat(10_000) },
    }),
  );
  const record = await log.call('audit.records.get', { params: { record_id: id } });
  expect(record).toMatchObject({
    tenant_id: null,
    job_id: null,
    on_behalf_of: 'user:boss@acme.test',
    request_id: 'req_7',
  });
  expect([record.reason!.length, record.agent!.length]).toEqual([500, 256]);
});

describe('GEN-31 with the store cut, an append is refused within 2 s', () => {
  it.each(['killed', 'hung'])('%s', async (how) => {
    const server = await startMongo({ durable: false });
    const mongo = await connectMongo(server.uri, 'audit');
    const registry = new Registry();
    const audit = createAudit({ mongo, ambient: systemAmbient(), replicaId: 'a', environment: 'local', registry });
    await audit.prepare();
    audit.start();
    await audit.log.append(draftOf());
    if (how === 'killed') server.kill();
    else await freeze(server.pid);
    for (const attempt of [1, 2]) {
      const started = stopwatch();
      await expect(audit.log.append(draftOf({ reason: `attempt ${attempt}` }))).rejects.toMatchObject({
        code: 'audit.unavailable',
      });
      expect(started()).toBeLessThan(2_000);
    }
    expect(await registry.metrics()).toMatch(/cp_audit_append_failures_total 2/);
    const stopping = stopwatch();
    await audit.stop();
    expect(stopping()).toBeLessThan(5_000);
    if (how === 'hung') process.kill(server.pid, 'SIGCONT');
    await server.stop();
    await mongo.close();
  });
});

it('AUD-01 no code path updates or deletes a placed record', () => {
  const folder = import.meta.dirname;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name));
  const ofStore = join('store', 'audit.store.ts');
  expect(sources).toContain(ofStore);
  for (const name of sources.filter((file) => file !== ofStore)) {
    // Only the store reaches a collection, so only the store could. Figures of the overview are called the same.
    const text = readFileSync(join(folder, name), 'utf8').replaceAll(/figure\('audit_\w+'/g, 'figure(');
    expect([name, text]).toEqual([name, expect.not.stringMatching(/\bdb\b|\.collection\b|'audit_/)]);
  }
  const store = readFileSync(join(folder, ofStore), 'utf8');
  const targets = [...store.matchAll(/#(\w+)\s*\.(update|delete|replace|findOneAnd|bulkWrite|drop)\w*\(/g)].map(
    ([, target]) => target,
  );
  expect(new Set(targets)).toEqual(new Set(['inbox', 'head']));
  expect(store).toMatch(/#records: AppendOnly<PlacedRecord>/);
});
