import { grouped } from '../../kernel/figures.ts';
import type { DrainOrder } from '../../placement/index.ts';
import { expect, it } from '@jest/globals';
import { PLACED_KINDS, TenantState, type MutationId, type Placement } from '@cloudlysis/contract';
import fc from 'fast-check';
import { findingsOf } from './node-findings.ts';
import { computeStatus, type NodeFinding, type StatusFacts } from './tenant-status.ts';
import { completeMetadata, newTenant, type TenantRecord } from './tenants.ts';

const T0 = new Date('2026-11-21T09:00:00.000Z');
const later = (minutes: number): Date => new Date(T0.getTime() + minutes * 60_000);
const live: TenantRecord = {
  ...newTenant('acme', completeMetadata({ name: 'Acme' }, 'dev'), 'job_1', T0),
  phase: 'live',
};
const placed: Placement[] = PLACED_KINDS.map((kind) => ({
  tenant_id: 'acme',
  kind,
  shard_id: `${kind[0]}1`,
  revision: 1,
}));
const calm: StatusFacts = {
  activeJob: null,
  placements: placed,
  reports: new Map(),
  lags: [],
  calmSince: null,
  now: later(60),
};
const fine: NodeFinding = { problem: null, draining: null, drainingTenants: new Map(), ordered: [] };
const order = (shard_id: string, tenant_id: string | null, since = later(2)): DrainOrder => ({
  _id: shard_id,
  shard_id,
  tenant_id,
  wanted: 'drained',
  job_id: 'job_9',
  by: 'user:bob',
  reason: 'INC-9',
  since,
  told_again: null,
  version: 1,
});
const job = (kind: MutationId, input: unknown) => ({
  jobId: 'job_9',
  kind,
  tenantId: 'acme',
  lane: 'tenant:acme',
  actor: 'user:ada@x.test',
  since: later(5),
  input,
});

it('TEN-04 an active tenant says who serves it, and since when it is calm', () => {
  expect(computeStatus(live, calm)).toEqual({
    state: 'active',
    reason: 'served by aggregate/a1, projection/p1, runner/r1',
    since: T0,
  });
  expect(computeStatus(live, { ...calm, calmSince: later(9) }).since).toEqual(later(9));
});

it('TEN-04 degraded names measure, limit, place and time', () => {
  const lags = [{ kind: 'projection' as const, lag: 12_042, limit: 5_000, since: later(26) }];
  expect(computeStatus(live, { ...calm, lags })).toEqual({
    state: 'degraded',
    reason: 'consumer lag 12 042 > 5 000 on projection/p1 since 09:26',
    since: later(26),
  });
  const down = { ...fine, problem: { reason: 'unreachable (connect ECONNREFUSED)', since: later(20) } };
  const both = computeStatus(live, { ...calm, lags, reports: new Map([['a1', down]]) });
  expect(both.reason).toBe(
    'aggregate/a1 unreachable (connect ECONNREFUSED) since 09:20; ' +
      'consumer lag 12 042 > 5 000 on projection/p1 since 09:26',
  );
  expect(both.since).toEqual(later(20));
  expect(computeStatus(live, { ...calm, placements: placed.slice(1) }).reason).toBe('no placement for aggregate');
});

it('OPS-07 TEN-04 a drain that was asked for is named with its job, also while its node says nothing of it', () => {
  const seen = (node: Partial<NodeFinding>) =>
    computeStatus(live, { ...calm, reports: new Map([['a1', { ...fine, ...node }]]) });
  const own = [order('a1', 'acme')];
  const drained = new Map([['acme', later(7)]]);
  expect(seen({ ordered: own, drainingTenants: drained })).toEqual({
    state: 'draining',
    reason: 'drained on aggregate/a1 since 09:02 by job_9 (user:bob: INC-9)',
    since: later(2),
  });
  expect(seen({ ordered: own }).reason).toBe(
    'drained on aggregate/a1 since 09:02 by job_9 (user:bob: INC-9), though its node does not say so',
  );
  expect(seen({ ordered: [order('a1', null)], draining: later(7) }).reason).toBe(
    'the whole node is drained on aggregate/a1 since 09:02 by job_9 (user:bob: INC-9)',
  );
  // Who may see the tenant alone is told that, and neither whose job it is nor why.
  expect(seen({ ordered: [order('a1', null)], draining: later(7) }).outline).toBe(
    'the whole node is drained on aggregate/a1 since 09:02 as ordered for the whole node',
  );
  expect(seen({ ordered: [order('a1', 'other')] }).state).toBe('active');
});

it('TEN-04 a node that drains the tenant, or is drained whole, makes it draining', () => {
  const tenant = { ...fine, drainingTenants: new Map([['acme', later(3)]]) };
  const status = computeStatus(live, { ...calm, reports: new Map([['a1', tenant]]) });
  expect(status).toEqual({ state: 'draining', reason: 'drained on aggregate/a1 since 09:03', since: later(3) });
  const whole = computeStatus(live, { ...calm, reports: new Map([['p1', { ...fine, draining: later(4) }]]) });
  expect(whole.reason).toBe('the whole node is drained on projection/p1 since 09:04');
  const asked = { ...calm, activeJob: job('scale.drain', { action: 'drain' }) };
  expect(computeStatus(live, asked).state).toBe('draining');
  expect(computeStatus(live, { ...calm, activeJob: job('scale.drain', { action: 'resume' }) }).state).toBe('active');
});

const date = fc.integer({ min: 0, max: 600 }).map(later);
const record = fc.record({
  phase: fc.constantFrom<TenantRecord['phase']>('provisioning', 'live', 'archived'),
  paused: fc.option(fc.record({ reason: fc.string(), since: date, job_id: fc.constant('job_2') })),
  purge: date,
});
const facts: fc.Arbitrary<StatusFacts> = fc.record({
  activeJob: fc.option(
    fc
      .constantFrom<MutationId>('scale.migrate', 'scale.drain', 'tenants.pause', 'scale.evacuate')
      .map((kind) => job(kind, { kind: 'projection', to: 'p2', action: 'drain' })),
  ),
  placements: fc.option(fc.subarray(placed)),
  reports: fc
    .array(
      fc.tuple(
        fc.constantFrom('a1', 'p1', 'r1', 'x'),
        fc.record({
          problem: fc.option(fc.record({ reason: fc.string(), since: date })),
          draining: fc.option(date),
          drainingTenants: fc.option(date).map((since) => new Map(since ? [['acme', since]] : [])),
          ordered: fc
            .array(fc.tuple(fc.constantFrom('acme', 'other', null), date), { maxLength: 3 })
            .map((some) => some.map(([tenantId, since]) => order('a1', tenantId, since))),
        }),
      ),
    )
    .map((entries) => new Map(entries)),
  lags: fc.array(
    fc.record({
      kind: fc.constantFrom('projection' as const, 'runner' as const),
      lag: fc.nat(),
      limit: fc.constant(5_000),
      since: fc.option(date),
    }),
    { maxLength: 2 },
  ),
  calmSince: fc.option(date),
  now: date,
});

const recordOf = ({
  phase,
  paused,
  purge,
}: {
  phase: TenantRecord['phase'];
  paused: TenantRecord['paused'];
  purge: Date;
}): TenantRecord => ({
  ...live,
  phase,
  paused,
  archived: phase === 'archived' ? { at: T0, purge_after: purge, was_paused: paused !== null } : null,
});

it('TEN-04 every record under any facts has exactly one state, a sentence and a beginning', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(record, facts, (given, seenFacts) => {
      const status = computeStatus(recordOf(given), seenFacts);
      expect(TenantState.options).toContain(status.state);
      expect(status.reason).not.toBe('');
      expect(status.since).toBeInstanceOf(Date);
      seen.add(status.state);
    }),
    { numRuns: 2_000 },
  );
  expect([...seen].sort()).toEqual([...TenantState.options].sort());
});

it('TEN-04 archived > provisioning > suspended > migrating > draining > degraded > active', () => {
  fc.assert(
    fc.property(record, facts, (given, seenFacts) => {
      const tenant = recordOf(given);
      const { state } = computeStatus(tenant, seenFacts);
      if (tenant.phase === 'archived') return expect(state).toBe('archived');
      if (tenant.phase === 'provisioning') return expect(state).toBe('provisioning');
      if (tenant.paused) return expect(state).toBe('suspended');
      if (seenFacts.activeJob?.kind === 'scale.migrate') return expect(state).toBe('migrating');
      const isDrained = seenFacts.placements?.some(({ shard_id }) => {
        const node = seenFacts.reports.get(shard_id);
        const ordered = node?.ordered.some(({ tenant_id }) => tenant_id === 'acme' || tenant_id === null);
        return node?.draining || node?.drainingTenants.has('acme') || ordered;
      });
      if (seenFacts.activeJob?.kind === 'scale.drain' || isDrained) return expect(state).toBe('draining');
      const isSick = seenFacts.placements?.some(({ shard_id }) => seenFacts.reports.get(shard_id)?.problem);
      const lacks = seenFacts.placements !== null && seenFacts.placements.length < placed.length;
      const lags = seenFacts.lags.some(({ since }) => since);
      expect(state).toBe(isSick || lacks || lags ? 'degraded' : 'active');
    }),
    { numRuns: 2_000 },
  );
});

it('TEN-04 the same facts a moment later give the same since', () => {
  fc.assert(
    fc.property(record, facts, date, (given, seenFacts, now) => {
      const tenant = recordOf(given);
      expect(computeStatus(tenant, { ...seenFacts, now }).since).toEqual(computeStatus(tenant, seenFacts).since);
    }),
  );
});

it('TEN-04 a trouble of a node keeps its beginning until it is over', () => {
  const report = {
    shardId: 'a1',
    state: null,
    readiness: null,
    problem: 'connect ECONNREFUSED',
    aheadMs: null,
    at: later(1),
    since: null,
    doubts: [],
  };
  const first = findingsOf(new Map([['a1', report]]), new Map());
  const second = findingsOf(new Map([['a1', { ...report, problem: 'timeout', at: later(2) }]]), first);
  expect(second.get('a1')?.problem).toEqual({ reason: 'unreachable (timeout)', since: later(1) });
  const back = { ...report, problem: null, readiness: { ready: true, dependencies: [] }, at: later(3) };
  const third = findingsOf(new Map([['a1', back]]), second);
  expect(third.get('a1')?.problem).toBeNull();
  const sick = { ready: false, dependencies: [{ name: 'nats', ok: false }, { name: 'storage', ok: true }] }; // prettier-ignore
  const again = findingsOf(new Map([['a1', { ...back, readiness: sick, at: later(4) }]]), third);
  expect(again.get('a1')?.problem).toEqual({ reason: 'not ready (nats)', since: later(4) });
});

it('numbers are read in groups of three', () => {
  expect([0, 999, 1_000, 12_042, 1_234_567].map(grouped)).toEqual(['0', '999', '1 000', '12 042', '1 234 567']);
});
