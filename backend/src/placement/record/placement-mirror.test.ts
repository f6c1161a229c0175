// What is answered and planned from the copy of placements when the record was restored behind its back.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../../../testing/eventually.ts';
import type { CheckedCopy } from '../../copies/index.ts';
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

it('NFR-08 SCL-02 whatever ids foreign placements have, their list goes through to its end', async () => {
  const tenants = ['odd', 'odd b', 'odd\t', 'odd-b', `odd${'x'.repeat(2_000)}`];
  const kinds = ['aggregate', 'projection', 'runner'] as const;
  const documents = tenants.flatMap((tenant_id) => kinds.map((kind) => ({ _id: `${kind}.${tenant_id}`, tenant_id, kind, shard_id: 'a1', revision: 1, job_id: 'j' })));
  await world.store.placements.insertMany(documents);
  await (world.placement.copy as CheckedCopy<unknown>).check();
  const seen: string[] = [];
  for (let cursor: string | null | undefined, pages = 0; cursor !== null && pages < 30; pages += 1) {
    const query = { limit: 1, ...(cursor ? { cursor } : {}) };
    const page = await world.placement.reads['scale.placements.list']({ query, visible: 'all' } as never);
    seen.push(...page.items.map(({ tenant_id, kind }) => `${kind}.${tenant_id}`));
    cursor = page.next_cursor;
    expect((cursor ?? '').length).toBeLessThanOrEqual(512);
    expect(page.unreadable).toHaveLength(3);
  }
  expect(seen.filter((id) => id.includes('odd')).sort()).toEqual(documents.slice(0, 12).map(({ _id }) => _id).sort());
}); // prettier-ignore
