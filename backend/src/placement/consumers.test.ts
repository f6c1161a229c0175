// What reading leaves at NATS: a consumer that nobody stops stands for five minutes, and a stream has room for so many.
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../../testing/eventually.ts';
import { startWorld, traffic, type World } from './placement.fixture.ts';

let world: World;
let jsm: JetStreamManager;
beforeAll(async () => {
  world = await startWorld('a1', 'a2', 'p1', 'p2', 'r1', 'r2', 'g1');
  jsm = await jetstreamManager(world.platform.nc);
});
afterAll(() => world?.stop());

/** Of every stream and bucket there is. */
async function consumers(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { config, state } of jsm.streams.list()) counts[config.name] = state.consumer_count;
  return counts;
}

/** Where a reader was replaced both are there for a moment, at the start of the nodes, too. */
async function atRest(): Promise<Record<string, number>> {
  return eventually('readers are at rest', async () => {
    const first = await consumers();
    for (let look = 0; look < 4; look++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      if (JSON.stringify(await consumers()) !== JSON.stringify(first)) return false;
    }
    return first;
  });
}

it('SCL-06 moves of every kind, under traffic and there and back, leave no consumer behind on any stream', async () => {
  const tenant = await world.tenant('c1', { aggregate: 'a1', projection: 'p1', runner: 'r1' });
  await eventually('it is followed', async () => (await consumers())['EVENTS'] === 2);
  const before = await atRest();
  expect(before['KV_placement']).toBeGreaterThanOrEqual(7);
  const load = await traffic(world.platform, tenant, 50);
  const moves = [['aggregate', 'a2'], ['projection', 'p2'], ['runner', 'r2'], ['aggregate', 'a1'], ['projection', 'p1'], ['runner', 'r1']]; // prettier-ignore
  for (const [kind, to] of moves) {
    const ended = await world.engine.run('scale.migrate', { tenant_id: tenant, kind, to, reason: 'test' });
    expect([kind, to, ended.problem]).toEqual([kind, to, null]);
  }
  await load.stop();
  // Reading the whole log anew, and asking every node to read again.
  await world.platform.node('p1').post('/admin/rebuild', { tenant_id: tenant });
  for (const node of world.platform.nodes.values()) await node.post('/admin/reload');
  // Five minutes would be too long for this to pass.
  await eventually('as before', async () => JSON.stringify(await consumers()) === JSON.stringify(before)).catch(() => undefined); // prettier-ignore
  expect(await consumers()).toEqual(before);
});
