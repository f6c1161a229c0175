/** Every clock the product hears of, held against the store's: this replica's, the other replicas', the nodes'. */
import { Gauge, type Registry } from 'prom-client';
import type { JobEngine } from '../jobs/index.ts';
import type { PlacementBook } from '../placement/index.ts';
import type { StoreClock } from '../ports/mongo/store-clock.ts';
import { isMeasured, type PeerClock } from './skew.ts';

export interface ClocksDeps {
  readonly clock: StoreClock;
  readonly replicaId: string;
  readonly jobs: Pick<JobEngine, 'otherReplicas'>;
  readonly placement: Pick<PlacementBook, 'reports'>;
  readonly metrics?: Registry;
}

export interface Clocks {
  /** As last measured: this replica first, then the others that are alive and the nodes that answer. */
  peers(): PeerClock[];
  /** Reads the store's time now, and says how far this replica's is ahead. @throws Problem `store.unavailable` */
  measureOwn(): Promise<number>;
}

export function createClocks({ clock, replicaId, jobs, placement, metrics }: ClocksDeps): Clocks {
  const replica = (name: string, aheadMs: number | null): PeerClock => ({ kind: 'replica', name, resource: 'service:control-plane', aheadMs }); // prettier-ignore
  const peers = (): PeerClock[] => [
    replica(replicaId, clock.aheadMs()),
    ...jobs.otherReplicas().map(({ name, aheadMs }) => replica(name, aheadMs)),
    ...[...placement.reports().values()].flatMap(({ shardId, state, aheadMs }): PeerClock[] =>
      state === null ? [] : [{ kind: 'node', name: `${state.service}/${shardId}`, resource: `shard:${shardId}`, aheadMs }],
    ),
  ]; // prettier-ignore
  if (metrics) watchedBy(metrics, peers);
  return {
    peers,
    async measureOwn() {
      await clock.read();
      return clock.aheadMs() ?? 0;
    },
  };
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
