/**
 * Pure: the facts as somebody may know them who sees some tenants only. How many nodes are ready is told; which ones,
 * where they are and what they say is not. What is taken out here is in no sentence that is made of the rest.
 */
import type { KindFigures } from '../node-metrics/index.ts';
import type { Asked, OverviewFacts, SightedShard } from './facts.ts';

const UNSAID = 'it could not be asked';
const NAMELESS = 'a node';

export function inOutline(facts: OverviewFacts): OverviewFacts {
  const { shards, figures, chainBroken } = facts;
  return {
    ...facts,
    wholePlatform: false,
    shards: unexplained(shards.ok ? { ok: true, value: shards.value.map(nameless) } : shards),
    figures: {
      gateway: muted(figures.gateway),
      aggregate: muted(figures.aggregate),
      projection: muted(figures.projection),
      runner: muted(figures.runner),
    },
    bus: unexplained(facts.bus.ok ? { ok: true, value: { ...facts.bus.value, limits: [] } } : facts.bus),
    store: unexplained(facts.store),
    audit: unexplained(facts.audit),
    jobs: unexplained(facts.jobs),
    failures: unexplained(facts.failures),
    awaiting: unexplained(facts.awaiting),
    tenants: unexplained(facts.tenants),
    clocks: [],
    copies: facts.copies.map((copy) => ({ ...copy, name: 'what is stored', reason: copy.reason && UNSAID })),
    otherKeys: [],
    namesake: null,
    unknownJobs: [],
    drift: { ok: true, value: { items: [], checked: 0, unreachable: [] } },
    chainBroken: chainBroken && { ...chainBroken, reason: 'the last verification found a break' },
  };
}

const muted = (all: KindFigures): KindFigures => ({
  ...all,
  silent: all.silent.slice(0, 1).map(() => ({ shardId: 'some nodes', reason: 'they could not be asked' })),
});

const nameless = (shard: SightedShard): SightedShard => ({
  ...shard,
  shardId: NAMELESS,
  reason: '',
  doubts: shard.doubts.slice(0, 1).map(({ since }) => ({ bucket: 'what it follows', says: 'its copies cannot be vouched for', since })),
}); // prettier-ignore

const unexplained = <T>(asked: Asked<T>): Asked<T> => (asked.ok ? asked : { ok: false, reason: UNSAID });
