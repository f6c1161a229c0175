// What is answered and planned from the copy of placements when the record was restored behind its back.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../../../testing/eventually.ts';
import { felt } from '../../../../testing/felt.ts';
import { startWorld, type World } from '../placement.fixture.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld('a1', 'a2');
});
afterAll(() => world?.stop());

/** As a restored backup: another shard under a lower revision, written by nobody's job. */
const restore = (tenant: string, shard_id: string) =>
  world.store.placements.updateOne({ _id: `aggregate.${tenant}` }, { $set: { shard_id, revision: 0, job_id: 'old' } });
const listed = async (shard: string) =>
  (await world.placement.book.all()).filter(({ shard_id }) => shard_id === shard).map(({ tenant_id }) => tenant_id);
const evacuated = async (shard_id: string) =>
  felt(await world.engine.plan('scale.evacuate', { shard_id, reason: 'test' }))?.['ids'] ?? [];

it('SCL-06 a placement that was restored at a lower revision is listed, counted and evacuated where it is now', async () => {
  await world.tenant('kept', { aggregate: 'a1' });
  await world.tenant('back', { aggregate: 'a2' });
  expect(await evacuated('a1')).toEqual(['kept']);
  await restore('back', 'a1');
  await eventually('it is listed', async () => (await listed('a1')).includes('back'));
  expect((await world.placement.book.counts()).get('a1')).toBe(2);
  expect(await evacuated('a1')).toEqual(['back', 'kept']);
  await world.store.placements.deleteOne({ _id: 'aggregate.back' });
  await eventually('it is gone', async () => !(await listed('a1')).includes('back'));
});

it('SCL-06 an evacuation is planned on the record, also while the copy is behind, and says when there is none to read', async () => {
  await world.tenant('missed', { aggregate: 'a2' });
  await world.placement.stop();
  await restore('missed', 'a1');
  expect(await listed('a2')).toContain('missed');
  expect(await evacuated('a1')).toContain('missed');
  expect(await evacuated('a2')).not.toContain('missed');
  expect(world.placement.copy.state()).toMatchObject({ name: 'placements', size: 2 });
});
