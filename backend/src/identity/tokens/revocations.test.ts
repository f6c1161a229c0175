import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { pino } from 'pino';
import { dropDatabase, freshDatabase } from '../../../../testing/mongo.ts';
import { startNats, type TestNats } from '../../../../testing/nats.ts';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { connectNats, type NatsPort } from '../../ports/nats/index.ts';
import { createLiveRevocations } from './live-revocations.ts';
import { LONGEST_TOKEN_MS, Revocations } from './revocations.ts';

const DAY_MS = 86_400_000;

it('ENV-88 a revocation holds while the bucket has it, and then for as long as the longest token may live', () => {
  const act = fc.record({
    what: fc.constantFrom('revoke', 'takeBack', 'missing', 'forget'),
    id: fc.constantFrom('a', 'b'),
    hours: fc.nat(100),
  });
  const holds = fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
    let now = Date.parse('2026-11-21T09:00:00Z');
    const revocations = new Revocations({ now: () => new Date(now) });
    const until = new Map<string, number>();
    for (const { what, id, hours } of acts) {
      if (what === 'revoke') revocations.revoke(id);
      if (what === 'takeBack') revocations.takeBack(id);
      if (what === 'missing' && revocations.isRevoked([id])) revocations.outlive(id);
      if (what === 'forget') revocations.forgetOver();
      if (what === 'revoke') until.set(id, Infinity);
      if (what === 'takeBack') until.delete(id);
      if (what === 'missing' && (until.get(id) ?? 0) > now) until.set(id, now + LONGEST_TOKEN_MS);
      now += hours * 3_600_000;
      for (const one of ['a', 'b']) expect(revocations.isRevoked(['x', one])).toBe((until.get(one) ?? 0) > now);
    }
  });
  fc.assert(holds, { numRuns: 500 });
  expect(LONGEST_TOKEN_MS).toBeGreaterThan(7 * DAY_MS);
});

it('ENV-88 none of many is dropped for their number', () => {
  const revocations = new Revocations(systemAmbient());
  for (let n = 0; n < 150_000; n += 1) revocations.revoke(`session-${n}`);
  expect([revocations.isRevoked(['session-0']), revocations.isRevoked(['session-149999'])]).toEqual([true, true]);
});

let server: TestNats;
let direct: NatsConnection;
let nats: NatsPort;
let mongo: Mongo;
beforeAll(async () => {
  server = await startNats();
  direct = await connect({ servers: server.url });
  nats = await connectNats(server.url);
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
  await nats.ensureStreams();
});
afterAll(async () => {
  await nats?.close();
  await direct?.close();
  await server?.stop();
  if (mongo) await dropDatabase(mongo.db.databaseName);
  await mongo?.close();
});

const begun = async (board = nats.revocations, ambient = systemAmbient()) => {
  const live = createLiveRevocations({ mongo, board, ambient, logger: pino({ level: 'silent' }) });
  await live.prepare();
  await live.start();
  return { ...live, ids: () => ['a', 'b', 'c'].filter((id) => live.revocations.isRevoked([id])).join('') };
};
/** A machine whose clock was never set, and one that is far ahead, beside the time that all replicas share. */
const machineOff = (ms: number) => ({ now: () => new Date(Date.now() + ms) });
const recorded = async () => (await mongo.db.collection('revocations').find().toArray()).map(({ _id }) => String(_id)).sort().join(''); // prettier-ignore

it('IAM-23 revocations outlive a restart without NATS and a bucket that was lost, until they are taken back', async () => {
  const kv = await new Kvm(jetstream(direct)).open('iam_revocations');
  for (const id of ['a', 'b', 'c']) await kv.put(id, '');
  const first = await begun();
  expect(first.ids()).toBe('abc');
  await eventually('they are on record', async () => (await recorded()) === 'abc');
  await kv.delete('b');
  await eventually('b is taken back', async () => first.ids() === 'ac' && (await recorded()) === 'ac');
  await kv.destroy();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(first.ids()).toBe('ac');
  await first.stop();

  const away = await connectNats('nats://127.0.0.1:9');
  const second = await begun(away.revocations);
  expect(second.ids()).toBe('ac');
  expect(second.copy.state().behindSince).not.toBeNull();
  await second.stop();
  await away.close();

  // In the new bucket: one is revoked again, one taken back while no control plane ran.
  await nats.ensureStreams();
  const anew = await new Kvm(jetstream(direct)).open('iam_revocations');
  await anew.put('b', '');
  await anew.delete('c');
  const third = await begun();
  await eventually('both are seen', async () => third.ids() === 'ab' && (await recorded()) === 'ab');
  await third.stop();

  const later = { ...systemAmbient(), now: () => new Date(Date.now() + LONGEST_TOKEN_MS + 60_000) };
  const fourth = await begun(nats.revocations, later);
  // The bucket has b; a names no living token any more.
  expect(fourth.ids()).toBe('b');
  await fourth.stop();
});

it('IAM-23 what one replica heard is in force in all, though the bucket was lost before the others read it', async () => {
  const away = await connectNats('nats://127.0.0.1:9');
  const heard = await begun();
  const deaf = await begun(away.revocations);
  const kv = await new Kvm(jetstream(direct)).open('iam_revocations');
  await kv.put('lost', '');
  await eventually('one heard it', async () => heard.revocations.isRevoked(['lost']));
  await kv.destroy();
  await eventually('the other knows it', async () => deaf.revocations.isRevoked(['lost']));
  await nats.ensureStreams();
  await (await new Kvm(jetstream(direct)).open('iam_revocations')).delete('lost');
  await eventually('both know that it was taken back', async () =>
    [heard, deaf].every(({ revocations }) => !revocations.isRevoked(['lost'])),
  );
  await Promise.all([heard.stop(), deaf.stop()]);
  await away.close();
});

it('IAM-23 NFR-07 a replica whose own clock is off neither ends what the others refuse nor serves it itself', async () => {
  const kv = await nats.ensureStreams().then(() => new Kvm(jetstream(direct)).open('iam_revocations'));
  await kv.put('off', '');
  const offs = [0, -40 * 365 * DAY_MS, -3 * DAY_MS, 30 * DAY_MS];
  const begin = (ms: number) =>
    createLiveRevocations({
      mongo,
      board: nats.revocations,
      ambient: systemAmbient(),
      machine: machineOff(ms),
      logger: pino({ level: 'silent' }),
    });
  const all = offs.map(begin);
  for (const live of all) {
    await live.prepare();
    await live.start();
  }
  const refused = () => all.map(({ revocations }) => revocations.isRevoked(['off']));
  await eventually('all heard it', async () => refused().every(Boolean));
  await kv.destroy();
  const until = await eventually('its end is on record', async () => {
    const found = await mongo.db.collection<{ _id: string; until: Date | null }>('revocations').findOne({ _id: 'off' });
    return found?.until ?? false;
  });
  expect(Math.abs(until.getTime() - Date.now() - LONGEST_TOKEN_MS)).toBeLessThan(60_000);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(refused()).toEqual(offs.map(() => true));
  await Promise.all(all.map((live) => live.stop()));
});

it('IAM-23 NFR-07 a clock that is behind takes tokens for longer, and refuses what was revoked for as long', () => {
  let now = Date.now();
  const behind = new Revocations({ now: () => new Date(now) }, { now: () => new Date(now - 5 * DAY_MS) });
  behind.outlive('a');
  now += LONGEST_TOKEN_MS + DAY_MS;
  behind.forgetOver();
  expect(behind.isRevoked(['a'])).toBe(true);
  now += 5 * DAY_MS;
  expect(behind.isRevoked(['a'])).toBe(false);
});
