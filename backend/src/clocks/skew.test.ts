// Skew in words and as what needs a person: a table of offsets, and rules over any set of clocks.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { createClocks } from './clocks.ts';
import { clockItems } from './attention.ts';
import { clockProbes } from './probes.ts';
import { clocksOff, isMeasured, toldSkew, type PeerClock } from './skew.ts';

const MINUTE = 60_000;
const replica = (name: string, aheadMs: number | null): PeerClock => ({ kind: 'replica', name, resource: 'service:control-plane', aheadMs }); // prettier-ignore
const node = (name: string, aheadMs: number | null): PeerClock => ({ kind: 'node', name, resource: `shard:${name.split('/')[1]}`, aheadMs }); // prettier-ignore
const needsYou = (...clocks: PeerClock[]) => clockItems(clocks);

describe('one clock that is off', () => {
  it.each([
    [0, null, '0 ms ahead of the store'],
    [1_999, null, '1999 ms ahead of the store'],
    [-1_999, null, '1999 ms behind the store'],
    [2_000, 'warning', '2 s ahead of the store'],
    [-2_000, 'warning', '2 s behind the store'],
    [10_000, 'warning', '10 s ahead of the store'],
    [10_001, 'critical', '10 s ahead of the store'],
    [-90_000, 'critical', '90 s behind the store'],
    [25 * MINUTE, 'critical', '25 min ahead of the store'],
    [-3 * 60 * MINUTE, 'critical', '3 h behind the store'],
    [365 * 24 * 60 * MINUTE, 'critical', '365 d ahead of the store'],
  ])('NFR-07 %d ms off is %s and told as "%s"', (aheadMs, severity, told) => {
    expect(toldSkew(aheadMs)).toBe(told);
    const items = needsYou(replica('r1', 3), replica('r2', aheadMs), node('aggregate/a1', -2));
    expect(items.map((item) => [item.severity, item.title])).toEqual(
      severity === null ? [] : [[severity, `The clock of replica r2 is ${told}`]],
    );
  });

  it.each([
    [replica('r1', 25 * MINUTE), /tokens are judged by its own: it takes them as expired 25 min early/],
    [replica('r1', -25 * MINUTE), /accepts expired ones 25 min longer, and refuses fresh ones as from the future/],
    [replica('r1', -9_000), /accepts expired ones 9 s longer; set its clock/],
    [node('gateway/g1', 25 * MINUTE), /tokens that it issues are from the future for others, who refuse them for 25 min/],
    [node('gateway/g1', -25 * MINUTE), /tokens that it issues end 25 min early for others/],
    [node('runner/r1', 25 * MINUTE), /times that it writes into events and reports are 25 min off/],
  ])('NFR-07 what it means is said: %o', (peer, said) => {
    expect(needsYou(replica('r0', 0), node('aggregate/a9', 1), peer)).toMatchObject([
      { detail: expect.stringMatching(said), resource: peer.resource },
    ]);
  }); // prettier-ignore
});

it('NFR-07 clocks that agree with each other and not with the store are told as the store’s', () => {
  const peers = ['r1', 'r2', 'r3'].map((name, n) => replica(name, -25 * MINUTE + n * 300));
  expect(needsYou(...peers, node('aggregate/a1', 10))).toMatchObject([
    { id: 'clock:store', severity: 'critical', title: 'The clock of the store is 25 min ahead of 3 others' },
  ]);
  // Two may be two on one machine, and a minority is not the measure.
  expect(needsYou(...peers.slice(1)).map(({ id }) => id)).toEqual(['clock:replica/r2', 'clock:replica/r3']);
  const fine = ['a1', 'a2', 'a3'].map((id) => node(`aggregate/${id}`, 10));
  expect(needsYou(...peers, ...fine)).toHaveLength(3);
});

const aheadMs = fc.oneof(fc.constant(null), fc.integer({ min: -3_000, max: 3_000 }), fc.integer());
const peers = fc.array(aheadMs, { maxLength: 300 }).map((all) => all.map((ms, n) => node(`aggregate/a${n}`, ms)));

it('NFR-07 however many are off, a few items say so, the farthest by name; none says so when none is', () => {
  fc.assert(
    fc.property(peers, (given) => {
      const off = clocksOff(given);
      const items = clockItems(given);
      expect(items.length).toBeLessThanOrEqual(6);
      expect(items.length > 0).toBe(off.length > 0);
      expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
      if (off.length > 0 && items[0]!.id !== 'clock:store') expect(items[0]!.title).toContain(off[0]!.name);
      const isCritical = off.some((one) => Math.abs(one.aheadMs) > 10_000);
      expect(items.some(({ severity }) => severity === 'critical')).toBe(isCritical);
    }),
  );
});

it('NFR-07 UI-12 cp_clock_skew_seconds and the connections name each clock, and none that is gone', async () => {
  const metrics = new Registry();
  const state = (service: string) => ({ service, version: '1', git_sha: 'x', shard_id: 'a1', placement_revision: 0, config_revision: 0, draining: false, tenants: [] }); // prettier-ignore
  const report = (shardId: string, aheadMs: number | null, answers = true, environment: string | null = null) => ({ environment, report: { shardId, state: answers ? state('aggregate') : null, readiness: null, problem: null, aheadMs, at: new Date(), since: null, doubts: [] } }); // prettier-ignore
  const others = [{ name: 'r2', aheadMs: 1_500_000 }, { name: 'r3', aheadMs: null }]; // prettier-ignore
  const clocks = createClocks({
    clock: { now: () => new Date(), aheadMs: () => -250, read: () => Promise.resolve() },
    replicaId: 'r1', metrics,
    jobs: { otherReplicas: () => others },
    nodes: () => [report('a1', 40), report('a1', 60, true, 'staging'), report('a2', null), report('a3', 9_000, false)],
  }); // prettier-ignore
  const series = async (): Promise<string[]> =>
    (await metrics.metrics()).split('\n').filter((line) => line.startsWith('cp_clock_skew_seconds{'));
  expect(await series()).toEqual([
    'cp_clock_skew_seconds{peer="replica/r1"} -0.25',
    'cp_clock_skew_seconds{peer="replica/r2"} 1500',
    'cp_clock_skew_seconds{peer="node/aggregate/a1"} 0.04',
    'cp_clock_skew_seconds{peer="node/staging/aggregate/a1"} 0.06',
  ]);
  expect(clocks.peers().filter((one) => !isMeasured(one)).map(({ name }) => name)).toEqual(['r3', 'aggregate/a2']); // prettier-ignore
  const said = await Promise.all(
    clockProbes(clocks).map(({ id, run }) =>
      run(AbortSignal.timeout(1_000)).then((detail) => [id, detail], (error: Error) => [id, `failed: ${error.message}`]),
    ),
  ); // prettier-ignore
  expect(said).toEqual([
    ['clock.store', '1 at most 250 ms off the store'],
    ['clock.replicas', 'failed: r2 is 25 min ahead of the store'],
    ['clock.nodes', '2 at most 60 ms off the store; not told by aggregate/a2'],
  ]);
  others.splice(0);
  expect(await series()).toHaveLength(3);
  expect(await clockProbes(clocks)[1]!.run(AbortSignal.timeout(1_000))).toBeNull();
});
