import { expect, it } from '@jest/globals';
import type { ServiceKind } from '@cloudlysis/contract';
import fc from 'fast-check';
import { figuresOf, flowAmong, rateIn, trafficBetween, type NodeReading, type Round } from './rates.ts';
import { quantile, tallyOf } from './tally.ts';

const T0 = new Date('2026-11-21T09:00:00.000Z');
/** `<tenant> <status class>` → requests so far. */
type Counts = Readonly<Record<string, number>>;

const reading = (shardId: string, at: number, counts: Counts | null, kind: ServiceKind = 'gateway'): NodeReading => {
  const samples = Object.entries(counts ?? {}).map(([key, value]) => {
    const [tenant_id, status_class] = key.split(' ') as [string, string];
    return { name: 'gateway_tenant_requests_total', labels: { tenant_id, status_class }, value };
  });
  return { shardId, kind, at, tally: counts && tallyOf(samples), problem: counts ? null : 'gone' };
};
const round = (began: number, ...nodes: NodeReading[]): Round => ({
  at: new Date(T0.getTime() + began),
  began,
  nodes: new Map(nodes.map((node) => [node.shardId, node])),
});

it('UI-14 a rate is what was counted over all gateways by the time between, errors its share of 5xx', () => {
  const before = round(0, reading('g1', 0, { 'acme 2xx': 100 }), reading('g2', 0, { 'acme 2xx': 5 }));
  const now = round(
    5_000,
    reading('g1', 5_000, { 'acme 2xx': 190, 'acme 5xx': 10, 'globex 2xx': 50 }),
    reading('g2', 5_000, { 'acme 2xx': 105 }),
  );
  const traffic = trafficBetween(before, now);
  expect(traffic?.tenants.get('acme')).toEqual({ requestsPerSecond: 40, errorRatio: 0.05 });
  expect(traffic?.tenants.get('globex')).toEqual({ requestsPerSecond: 10, errorRatio: 0 });
  expect(traffic?.all).toEqual({ requestsPerSecond: 50, errorRatio: 0.04 });
});

it('UI-14 nothing is told where a gateway did not tell, or there is none: a sum of some would be too low', () => {
  const whole = round(0, reading('g1', 0, {}), reading('g2', 0, {}));
  expect(trafficBetween(whole, round(5_000, reading('g1', 5_000, {}), reading('g2', 5_000, null)))).toBeNull();
  expect(
    trafficBetween(round(0, reading('g1', 0, {})), round(5, reading('g1', 5, {}), reading('g2', 5, {}))),
  ).toBeNull();
  expect(trafficBetween(round(0), round(5_000))).toBeNull();
  expect(trafficBetween(undefined, whole)).toBeNull();
});

it('UI-22 the traffic of several tenants is their sum, and is not told when that of one is unknown', () => {
  const [first, later] = [
    round(0, reading('g1', 0, {})),
    (counts: Counts) => round(1_000, reading('g1', 1_000, counts)),
  ];
  const requests = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(requests, fc.nat(1_000), (each, others) => {
      const ids = each.map((_, index) => `t${index}`);
      const counts = Object.fromEntries(each.map((count, index) => [`t${index} 2xx`, count]));
      const sum = each.reduce((total, count) => total + count, 0);
      const traffic = trafficBetween(first, later({ ...counts, 'rest 2xx': others }));
      const share = sum + others > 0 ? sum / (sum + others) : null;
      expect(flowAmong(traffic, ids)).toEqual({
        perSecond: sum,
        share: share === null ? null : expect.closeTo(share, 9),
      });
      const hidden = trafficBetween(first, later({ ...counts, 'other 2xx': others + 1 }));
      expect(flowAmong(hidden, [...ids, 'unlabelled'])).toEqual({ perSecond: null, share: null });
    }),
  );
  expect(flowAmong(null, [])).toEqual({ perSecond: null, share: null });
});

it('CON-16 a tenant without a label is at rest only if all such tenants are', () => {
  const first = round(0, reading('g1', 0, { 'acme 2xx': 1, 'other 2xx': 7 }));
  const quiet = trafficBetween(first, round(5_000, reading('g1', 5_000, { 'acme 2xx': 9, 'other 2xx': 7 })));
  expect(rateIn(quiet, 'elsewhere')).toEqual({ requestsPerSecond: 0, errorRatio: null });
  const busy = trafficBetween(first, round(5_000, reading('g1', 5_000, { 'acme 2xx': 1, 'other 2xx': 8 })));
  expect(rateIn(busy, 'elsewhere')).toBeNull();
  expect(rateIn(busy, 'acme')).toEqual({ requestsPerSecond: 0, errorRatio: null });
});

it('UI-14 whatever the counters do, rates are not negative, shares are shares, and tenants sum up to all', () => {
  const classes = fc.constantFrom('acme 2xx', 'acme 5xx', 'globex 2xx', 'other 2xx', 'other 5xx');
  const counts = fc.dictionary(classes, fc.nat(10_000));
  fc.assert(
    fc.property(counts, counts, fc.integer({ min: 1, max: 60_000 }), (one, two, ms) => {
      const traffic = trafficBetween(round(0, reading('g1', 0, one)), round(ms, reading('g1', ms, two)))!;
      const rates = [...traffic.tenants.values(), traffic.others];
      for (const { requestsPerSecond, errorRatio } of [...rates, traffic.all]) {
        expect(requestsPerSecond).toBeGreaterThanOrEqual(0);
        if (errorRatio !== null) expect(errorRatio).toBeLessThanOrEqual(1);
      }
      const sum = rates.reduce((total, { requestsPerSecond }) => total + requestsPerSecond, 0);
      expect(Math.abs(sum - traffic.all.requestsPerSecond)).toBeLessThan(0.5);
    }),
  );
});

it('UI-01 a quantile lies in the bucket that holds it', () => {
  const before = new Map([[0.1, 5], [0.5, 5], [1, 5], [Infinity, 5]]); // prettier-ignore
  const now = new Map([[0.1, 15], [0.5, 25], [1, 25], [Infinity, 25]]); // prettier-ignore
  expect(quantile(before, now, 0.5)).toBeCloseTo(0.1);
  expect(quantile(before, now, 0.75)).toBeCloseTo(0.3);
  expect(quantile(before, before, 0.5)).toBeNull();
  const beyond = new Map([[0.1, 5], [0.5, 5], [1, 5], [Infinity, 9]]); // prettier-ignore
  expect(quantile(before, beyond, 0.95)).toBe(1);
});

it('UI-01 figures of a kind are null where one of its nodes is silent, and that node is named', () => {
  const samples = (value: number) => [
    { name: 'projection_lag_events', labels: { tenant_id: 'acme' }, value },
    { name: 'projection_lag_events', labels: { tenant_id: 'globex' }, value: 1 },
  ];
  const node = (shardId: string, lag: number | null): NodeReading => ({
    shardId, kind: 'projection', at: 0, tally: lag === null ? null : tallyOf(samples(lag)), problem: lag === null ? 'gone' : null,
  }); // prettier-ignore
  const whole = figuresOf('projection', undefined, round(0, node('p1', 7), node('p2', 3)));
  expect([whole.gauge('projection_lag_events'), whole.peak('projection_lag_events'), whole.silent]).toEqual([
    12,
    7,
    [],
  ]);
  const part = figuresOf('projection', undefined, round(0, node('p1', 7), node('p2', null)));
  expect([part.gauge('projection_lag_events'), part.peak('projection_lag_events')]).toEqual([null, null]);
  expect(part.silent).toEqual([{ shardId: 'p2', reason: 'gone' }]);
  expect(figuresOf('runner', undefined, round(0)).gauge('runner_lag_events')).toBeNull();
});
