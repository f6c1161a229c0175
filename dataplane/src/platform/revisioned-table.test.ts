import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parsePlacement, tenantOf } from './placement.ts';
import { RevisionedTable } from './revisioned-table.ts';

describe('placement table', () => {
  it('SCL-04 whatever order entries arrive in, every node ends at the newest placement and never steps back', () => {
    const entry = fc.record({ key: fc.constantFrom('aggregate.t1', 'aggregate.t2'), revision: fc.nat(20) });
    const arbitrary = fc
      .array(entry, { maxLength: 40 })
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(arbitrary, ([sent, received]) => {
        const table = new RevisionedTable(parsePlacement);
        for (const { key, revision } of received) {
          const before = table.get(key)?.revision ?? -1;
          table.apply(key, { shard: `s${revision}`, revision, job_id: null });
          expect(table.get(key)!.revision).toBeGreaterThanOrEqual(before);
        }
        for (const key of new Set(sent.map((one) => one.key))) {
          const newest = Math.max(...sent.filter((one) => one.key === key).map((one) => one.revision));
          expect(table.get(key)).toEqual({ shard: `s${newest}`, revision: newest, job_id: null });
        }
      }),
    );
  });

  it('SCL-04 keeps what it has when an entry is not a placement, and forgets what was withdrawn', () => {
    const seen: [string, number | undefined][] = [];
    const table = new RevisionedTable(parsePlacement, (key, now) => seen.push([key, now?.revision]));
    table.apply('aggregate.t', { shard: 'a1', revision: 2 });
    for (const bad of [null, 'x', {}, { shard: 1, revision: 3 }, { shard: 'a2', revision: -1 }]) {
      expect(table.apply('aggregate.t', bad)).toBe('invalid');
    }
    table.replace(new Map());
    expect(seen).toEqual([
      ['aggregate.t', 2],
      ['aggregate.t', undefined],
    ]);
    expect(table.revision).toBe(2);
    expect(tenantOf('aggregate.t-1', 'aggregate')).toBe('t-1');
    expect(tenantOf('aggregate.T', 'aggregate')).toBeUndefined();
    expect(tenantOf('runner.t', 'aggregate')).toBeUndefined();
  });
});
