// The pure rules: what blocks a move and in which words, and who takes whom in.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Shard } from '@cloudlysis/contract';
import { chooseLeastLoaded } from '../create-placement-book.ts';
import { grouped } from '../../kernel/figures.ts';
import { planEvacuation } from '../shards/evacuation.ts';
import type { ShardSight } from '../nodes/node-checks.ts';
import { decideMigration, limitsOf, type MoveSight } from './move-decision.ts';

const shard = (shard_id: string, tenants = 10): Shard => ({
  shard_id, kind: 'aggregate', endpoint: `http://127.0.0.1:9000/${shard_id}`, labels: {}, capacity: { tenants }, region: 'eu',
}); // prettier-ignore

const sight = (id: string, inFlight = 0, over: Partial<ShardSight> = {}): ShardSight => ({
  shard: shard(id),
  state: {
    service: 'aggregate', version: '1', git_sha: 'x', shard_id: id, placement_revision: 41, config_revision: 0, draining: false,
    tenants: [{ tenant_id: 'acme', placement_revision: 41, state: 'serving', in_flight: inFlight }],
  },
  readiness: { ready: true, dependencies: [{ name: 'storage', ok: true, detail: '1.2 ms' }] },
  problem: null,
  stranger: null,
  ...over,
}); // prettier-ignore

const world = (over: Partial<MoveSight> = {}): MoveSight => ({
  tenantId: 'acme',
  tenant: { state: 'active', reason: 'all well' },
  placement: { tenant_id: 'acme', kind: 'aggregate', shard_id: 'a1', revision: 41 },
  source: sight('a1', 4),
  sourceGone: false,
  ordered: null,
  target: sight('a2'),
  targetTenants: 3,
  busProblem: null,
  consumers: [
    { kind: 'projection', shardId: 'p2', lag: 0 },
    { kind: 'runner', shardId: 'r1', lag: null },
  ],
  drift: null,
  laneHolder: null,
  targetLeaving: null,
  gateways: [],
  ...over,
});

const blockers = (over: Partial<MoveSight>): [string, string][] =>
  decideMigration(world(over), limitsOf({}))
    .checks.filter(({ status }) => status === 'block')
    .map(({ id, detail }) => [id, detail]);

describe('SCL-05 what a move would do', () => {
  it('shows the change and passes every check on a healthy platform', () => {
    const { checks, diff } = decideMigration(world(), limitsOf({}));
    expect(checks.map(({ status }) => status)).not.toContain('block');
    expect(checks.find(({ id }) => id === 'drain.in_flight')?.detail).toBe('in flight 4 ≤ 100');
    expect(diff).toEqual([
      { op: 'replace', path: 'placement.aggregate.acme.shard_id', before: 'a1', after: 'a2' },
      { op: 'replace', path: 'placement.aggregate.acme.revision', before: 41, after: 42 },
    ]);
  });

  it('SCL-08 blocks on work in flight, with value and limit', () => {
    expect(blockers({ source: sight('a1', 101) })).toEqual([['drain.in_flight', 'in flight 101 > 100']]);
  });

  it('SCL-10 blocks on consumer lag and names the consumer', () => {
    const consumers = [{ kind: 'projection', shardId: 'p2', lag: 12_042 }] as const;
    expect(blockers({ consumers })).toEqual([['lag.projection', 'consumer lag 12 042 > 5 000 on projection/p2']]);
    expect(blockers({ consumers: [], busProblem: 'NATS cannot be reached' })).toEqual([
      ['lag.consumer', 'NATS cannot be reached'],
    ]);
  });

  it('SCL-09 blocks on unhealthy storage on either side', () => {
    const readiness = { ready: true, dependencies: [{ name: 'storage', ok: false, detail: 'read-only' }] };
    expect(blockers({ source: sight('a1', 0, { readiness }) })).toEqual([
      ['source.storage', 'storage on a1 is not healthy: read-only'],
    ]);
    expect(blockers({ target: sight('a2', 0, { readiness: { ...readiness, ready: false } }) })).toEqual([
      ['target.ready', 'a2 is not ready: storage: read-only'],
      ['target.storage', 'storage on a2 is not healthy: read-only'],
    ]);
  });

  it('blocks on a node that is silent, another one, or drains, on drift, on a busy lane and on a target being emptied', () => {
    const silent = { state: null, readiness: null, problem: 'it hangs' };
    expect(blockers({ source: sight('a1', 0, silent) }).map(([id]) => id)).toEqual([
      'source.reachable',
      'source.storage',
      'drain.in_flight',
    ]);
    const other = { ...sight('a2').state!, shard_id: 'a9' };
    expect(blockers({ target: sight('a2', 0, { state: other }) })).toEqual([
      ['target.reachable', 'the node of a2 says it is aggregate/a9, not aggregate/a2'],
    ]);
    const draining = { ...sight('a2').state!, draining: true };
    expect(blockers({ target: sight('a2', 0, { state: draining }) })).toEqual([
      ['target.ready', 'a2 is not ready: the whole node drains'],
    ]);
    expect(blockers({ drift: 'published on a3' })[0]?.[0]).toBe('drift.none');
    expect(blockers({ laneHolder: 'job_1 (tenants.pause, asked for by user:b)' })[0]?.[1]).toMatch(
      /^job_1 .* holds tenant:acme$/,
    );
    expect(blockers({ targetLeaving: 'job_2' })[0]?.[0]).toBe('target.staying');
    expect(blockers({ tenant: { state: 'archived', reason: 'gone' } })[0]?.[0]).toBe('tenant.active');
  });

  it('warns above 80 % of the target’s capacity and blocks above 100 %', () => {
    const at = (targetTenants: number) =>
      decideMigration(world({ targetTenants }), limitsOf({})).checks.find(({ id }) => id === 'target.capacity');
    expect(at(7)).toMatchObject({ status: 'pass', measured: 8, limit: 10 });
    expect(at(8)).toMatchObject({ status: 'warn', detail: 'a2 would hold 9 of 10 tenants (90 % > 80 %)' });
    expect(at(10)).toMatchObject({ status: 'block', detail: 'a2 would hold 11 of 10 tenants (110 % > 100 %)' });
  });

  it('blocks exactly when a measured value is above its limit, whatever both are', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(20_000), fc.nat(500), fc.nat(20_000), (flight, lag, maxFlight, maxLag) => {
        const now = world({ source: sight('a1', flight), consumers: [{ kind: 'runner', shardId: 'r1', lag }] });
        const { checks } = decideMigration(now, limitsOf({ max_in_flight: maxFlight, max_consumer_lag: maxLag }));
        const blocked = checks.filter(({ status }) => status === 'block').map(({ id }) => id);
        const expected = [...(flight > maxFlight ? ['drain.in_flight'] : []), ...(lag > maxLag ? ['lag.runner'] : [])];
        expect(blocked).toEqual(expected);
      }),
    );
  });

  it('writes numbers in groups of three', () => {
    expect([0, 999, 1000, 12_042, 1_234_567].map(grouped)).toEqual(['0', '999', '1 000', '12 042', '1 234 567']);
  });
});

describe('SCL-06 where the tenants of a shard go', () => {
  const candidates = fc.array(fc.record({ capacity: fc.integer({ min: 1, max: 12 }), tenants: fc.nat(12) }), {
    maxLength: 5,
  });
  const given = (made: { capacity: number; tenants: number }[]) =>
    made.map(({ capacity, tenants }, index) => ({ shard: shard(`a${index}`, capacity), tenants }));

  it('every tenant once, nobody over capacity, homeless only when all are full, loads add up', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/)), candidates, (tenants, made) => {
        const { moves, homeless, loads } = planEvacuation(tenants, given(made));
        expect([...moves.map(({ tenantId }) => tenantId), ...homeless].sort()).toEqual([...tenants].sort());
        for (const { shard: target, before, after } of loads) {
          expect(after - before).toBe(moves.filter(({ to }) => to === target.shard_id).length);
          expect(after).toBeLessThanOrEqual(Math.max(before, target.capacity.tenants));
          if (homeless.length) expect(after).toBeGreaterThanOrEqual(target.capacity.tenants);
        }
      }),
    );
  });

  it('least loaded first, and the same plan however the input is ordered', () => {
    const targets = given([
      { capacity: 10, tenants: 5 },
      { capacity: 10, tenants: 3 },
    ]);
    const { moves, loads } = planEvacuation(['d', 'a', 'c', 'b'], targets);
    expect(moves.map(({ tenantId, to }) => tenantId + to)).toEqual(['aa1', 'ba1', 'ca0', 'da1']);
    expect(loads.map(({ before, after }) => [before, after])).toEqual([[5, 6], [3, 6]]); // prettier-ignore
    expect(planEvacuation(['a', 'b', 'c', 'd'], [...targets].reverse()).moves).toEqual(moves);
  });

  it('a new tenant goes to the least loaded shard that is fit, and to an unfit one rather than nowhere', () => {
    const shards = [shard('a1', 10), shard('a2', 100), shard('a3', 10)];
    const counts = new Map([['a1', 1], ['a2', 5], ['a3', 0]]); // prettier-ignore
    expect(chooseLeastLoaded(shards, counts, () => 'fit')?.shard_id).toBe('a3');
    expect(chooseLeastLoaded(shards, counts, ({ shard_id }) => (shard_id === 'a3' ? 'unwell' : 'fit'))?.shard_id).toBe(
      'a2',
    );
    expect(chooseLeastLoaded(shards, counts, () => 'leaving')?.shard_id).toBe('a3');
    const worst = (shard_id: string) => (shard_id === 'a3' ? 'leaving' : 'unwell');
    expect(chooseLeastLoaded(shards, counts, ({ shard_id }) => worst(shard_id))?.shard_id).toBe('a2');
    expect(chooseLeastLoaded([], counts, () => 'fit')).toBeNull();
  });
});
