import type { BlastRadius, PlanFigure } from '@cloudlysis/contract';
import { blastRadius, several } from './PlanView';
import { against } from './Checks';

const figures: PlanFigure[] = [
  { name: 'traffic', value: 118.4, unit: 'req/s' },
  { name: 'in flight', value: 4, unit: 'in flight' },
  { name: 'lag', value: 12, unit: 'events behind' },
  { name: 'traffic share', value: 0.9, unit: '% of traffic' },
];
const tenants = (count: number, of = figures): BlastRadius[number] => ({
  kind: 'tenant',
  ids: ['acme'],
  count,
  figures: of,
});

test('UI-22 the blast radius in one line', () => {
  expect(blastRadius([tenants(1)])).toBe('1 tenant · 118 req/s · 4 in flight · 12 events behind · 0.90 % of traffic');
});

test('UI-22 what could not be measured is said, and never taken for nothing', () => {
  const blind = figures.slice(0, 3).map((figure) => ({ ...figure, value: null }));
  expect(blastRadius([tenants(2, blind)])).toBe('2 tenants · not measured: traffic, in flight, lag');
  const idle = figures.map((figure) => ({ ...figure, value: 0 }));
  expect(blastRadius([tenants(1_204, idle)])).toBe(
    '1\u202f204 tenants · 0 req/s · 0 in flight · 0 events behind · 0 % of traffic'
  );
});

test('UI-22 a plan speaks of the kinds of things it touches, whatever they are, and of no others', () => {
  expect(blastRadius([])).toBe('Nothing');
  const shard = { kind: 'shard', ids: ['a1'], count: 1, figures: [] };
  expect(blastRadius([shard])).toBe('1 shard');
  expect(blastRadius([shard, tenants(12, figures.slice(0, 1))])).toBe('1 shard · 12 tenants · 118 req/s');
  const sessions = { kind: 'session', ids: [], count: 3, figures: [{ name: 'age', value: 1_400, unit: 'ms' }] };
  expect(blastRadius([sessions])).toBe('3 sessions · 1.4 s');
});

test.each([
  ['tenant', 'tenants'],
  ['policy', 'policies'],
  ['gateway', 'gateways'],
  ['index', 'indexes'],
  ['process', 'processes'],
  ['branch', 'branches'],
])('UI-22 several of the kind %s are %s', (kind, words) => expect(several(kind)).toBe(words));

test.each([
  [{ measured: 4, limit: 100, unit: 'commands', detail: 'work in flight' }, '4 of 100 commands'],
  [{ measured: 12, limit: null, unit: 'events', detail: 'consumers caught up' }, '12 events'],
  [{ measured: 4, limit: 100, unit: 'commands', detail: 'in flight 4 ≤ 100' }, ''],
  [{ measured: true, limit: true, unit: null, detail: 'a node is ready' }, ''],
])('the number beside the check %j is "%s"', (check, text) => expect(against(check as never)).toBe(text));
