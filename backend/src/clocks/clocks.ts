/** Every clock the product hears of, held against the store's: this replica's, the other replicas', the nodes'. */
import { Gauge, type Registry } from 'prom-client';
import type { JobEngine } from '../jobs/index.ts';
import type { NodeReport } from '../placement/index.ts';
import type { StoreClock } from '../ports/mongo/store-clock.ts';
import type { Look } from '../feature/attention.ts';
import type { Probes } from '../feature/probe.ts';
import { clocksLook } from './attention.ts';
import { clockProbes } from './probes.ts';
import { isMeasured, type Clocks, type PeerClock } from './skew.ts';

export interface ClocksDeps {
  readonly clock: StoreClock;
  readonly replicaId: string;
  readonly jobs: Pick<JobEngine, 'otherReplicas'>;
  /** How each node was when it was asked last, and in which environment; null where there is one only. */
  readonly nodes: () => readonly { readonly environment: string | null; readonly report: NodeReport }[];
  readonly metrics?: Registry;
}

export interface ClocksFeature extends Clocks {
  readonly name: string;
  readonly attention: Look;
  readonly probes: Probes;
}

export function createClocks({ clock, replicaId, jobs, nodes, metrics }: ClocksDeps): ClocksFeature {
  const replica = (name: string, aheadMs: number | null): PeerClock => ({ kind: 'replica', name, resource: 'service:control-plane', aheadMs }); // prettier-ignore
  const peers = (): PeerClock[] => [
    replica(replicaId, clock.aheadMs()),
    ...jobs.otherReplicas().map(({ name, aheadMs }) => replica(name, aheadMs)),
    ...nodes().flatMap(({ environment, report: { shardId, state, aheadMs } }): PeerClock[] =>
      state === null ? [] : [{ kind: 'node', name: [environment, state.service, shardId].filter(Boolean).join('/'), resource: `shard:${shardId}`, aheadMs }],
    ),
  ]; // prettier-ignore
  if (metrics) watchedBy(metrics, peers);
  const clocks: Clocks = {
    peers,
    async measureOwn() {
      await clock.read();
      return clock.aheadMs() ?? 0;
    },
  };
  return { ...clocks, name: 'clocks', attention: clocksLook(clocks), probes: () => clockProbes(clocks) };
}

/** `peer` is `replica/<id>` or `node/<kind>/<shard>`: as many series as there are processes. */
function watchedBy(metrics: Registry, peers: () => PeerClock[]): void {
  const collect = (): void => {
    gauge.reset();
    for (const { kind, name, aheadMs } of peers().filter(isMeasured)) gauge.set({ peer: `${kind}/${name}` }, aheadMs / 1_000);
  }; // prettier-ignore
  const gauge = new Gauge({
    name: 'cp_clock_skew_seconds',
    help: 'How far a clock is ahead of the store’s; negative when it is behind',
    labelNames: ['peer'],
    registers: [metrics],
    collect,
  });
}
