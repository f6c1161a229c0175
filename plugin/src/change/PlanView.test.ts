import type { BlastRadius } from '@cloudlysis/contract';
import { against, blastRadius } from './PlanView';

const radius: BlastRadius = {
  tenants: ['acme'],
  tenant_count: 1,
  requests_per_second: 118.4,
  in_flight: 4,
  consumer_lag: 12,
  traffic_share: 0.009,
};

test('UI-22 the blast radius in one line', () => {
  expect(blastRadius(radius)).toBe('1 tenant · 118 req/s · 4 in flight · 12 events behind · 0.90 % of traffic');
});

test('UI-22 what could not be measured is said, and never taken for nothing', () => {
  const blind = {
    ...radius,
    tenant_count: 2,
    requests_per_second: null,
    in_flight: null,
    consumer_lag: null,
    traffic_share: null,
  };
  expect(blastRadius(blind)).toBe('2 tenants · not measured: traffic, in flight, lag');
  expect(blastRadius({ ...radius, requests_per_second: 0, in_flight: 0 })).toMatch(/0 req\/s · 0 in flight/);
});

test.each([
  [{ measured: 4, limit: 100, unit: 'commands', detail: 'work in flight' }, '4 of 100 commands'],
  [{ measured: 12, limit: null, unit: 'events', detail: 'consumers caught up' }, '12 events'],
  [{ measured: 4, limit: 100, unit: 'commands', detail: 'in flight 4 ≤ 100' }, ''],
  [{ measured: true, limit: true, unit: null, detail: 'a node is ready' }, ''],
])('the number beside the check %j is "%s"', (check, text) => expect(against(check as never)).toBe(text));
