/** Pure: from two rounds over the nodes to traffic per tenant and figures per kind of service. */
import type { ServiceKind } from '@cloudlysis/contract';
import { growth, OTHER, quantile, type Tally } from './tally.ts';

/** One node in one round; without a tally it did not tell. */
export interface NodeReading {
  readonly shardId: string;
  readonly kind: ServiceKind;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly tally: Tally | null;
  /** Why there is no tally. */
  readonly problem: string | null;
}

export interface Round {
  readonly at: Date;
  /** Monotonic milliseconds of its beginning. */
  readonly began: number;
  /** By shard. */
  readonly nodes: ReadonlyMap<string, NodeReading>;
}

export interface Rate {
  readonly requestsPerSecond: number;
  /** Share of 5xx answers, 0 to 1; null without requests. */
  readonly errorRatio: number | null;
}

/** Traffic between two rounds. */
export interface Traffic {
  readonly at: Date;
  readonly tenants: ReadonlyMap<string, Rate>;
  /** Of tenants without a label of their own. */
  readonly others: Rate;
  readonly all: Rate;
}

/**
 * Null unless every gateway told twice: a sum over some of them would be too low, and nobody could see that it is.
 */
export function trafficBetween(before: Round | undefined, now: Round | undefined): Traffic | null {
  const gateways = [...(now?.nodes.values() ?? [])].filter(({ kind }) => kind === 'gateway');
  if (!before || !now || gateways.length === 0) return null;
  const rates = new Map<string, Sum>();
  const all: Sum = { requests: 0, failed: 0 };
  for (const { shardId, tally, at } of gateways) {
    const first = before.nodes.get(shardId);
    if (!tally || !first?.tally || at <= first.at) return null;
    const seconds = (at - first.at) / 1_000;
    for (const [tenant, count] of tally.tenants) {
      const requests = growth(first.tally.tenants.get(tenant)?.all, count.all);
      const failed = growth(first.tally.tenants.get(tenant)?.failed, count.failed);
      const sum = rates.get(tenant) ?? { requests: 0, failed: 0 };
      rates.set(tenant, sum);
      for (const each of [sum, all]) {
        each.requests += requests / seconds;
        each.failed += failed / seconds;
      }
    }
  }
  const others = rateOf(rates.get(OTHER) ?? { requests: 0, failed: 0 });
  rates.delete(OTHER);
  const tenants = new Map([...rates].map(([tenant, sum]) => [tenant, rateOf(sum)]));
  return { at: now.at, tenants, others, all: rateOf(all) };
}

interface Sum {
  /** Per second. */
  requests: number;
  failed: number;
}

const rateOf = ({ requests, failed }: Sum): Rate => ({
  requestsPerSecond: Math.round(requests * 10) / 10,
  errorRatio: requests > 0 ? Math.round((Math.min(failed, requests) / requests) * 10_000) / 10_000 : null,
});

/** A tenant without a label of its own has no traffic if nobody without one has; otherwise its share is unknown. */
export const rateIn = (traffic: Traffic | null, tenantId: string): Rate | null =>
  traffic?.tenants.get(tenantId) ?? (traffic?.others.requestsPerSecond === 0 ? traffic.others : null);

/** Requests per second of some tenants together, and their share of the platform's, 0 to 1. */
export interface Flow {
  readonly perSecond: number | null;
  readonly share: number | null;
}

/** Null unless it is known of every one of them: what is known of some would be read as what is known of all. */
export function flowAmong(traffic: Traffic | null, tenantIds: readonly string[]): Flow {
  const rates = tenantIds.map((id) => rateIn(traffic, id)?.requestsPerSecond ?? null);
  if (!traffic || rates.includes(null)) return { perSecond: null, share: null };
  const perSecond = rates.reduce<number>((sum, rate) => sum + (rate ?? 0), 0);
  const all = traffic.all.requestsPerSecond;
  return { perSecond: Math.round(perSecond * 10) / 10, share: all > 0 ? Math.min(1, perSecond / all) : null };
}

/** What the nodes of one kind measured; null where a node of the kind did not tell, or there is none. */
export interface KindFigures {
  /** Nodes that did not tell, with the reason. */
  readonly silent: readonly { readonly shardId: string; readonly reason: string }[];
  /** Sum over nodes of a gauge. */
  gauge(family: string): number | null;
  /** Largest single value of a gauge. */
  peak(family: string): number | null;
  /** Growth of a counter between the rounds, over all nodes. */
  grown(family: string): number | null;
  /** Of command durations between the rounds, milliseconds; null without commands. */
  commandMs(share: number): number | null;
}

export function figuresOf(kind: ServiceKind, before: Round | undefined, now: Round | undefined): KindFigures {
  const nodes = [...(now?.nodes.values() ?? [])].filter((node) => node.kind === kind);
  const silent = nodes.flatMap(({ shardId, problem, tally }) =>
    tally ? [] : [{ shardId, reason: problem ?? 'it did not answer' }],
  );
  const whole = nodes.length > 0 && silent.length === 0;
  const over = (each: (node: NodeReading, first: Tally | null) => number | null): number[] | null => {
    if (!whole) return null;
    const values = nodes.map((node) => each(node, before?.nodes.get(node.shardId)?.tally ?? null));
    return values.includes(null) ? null : (values as number[]);
  };
  const total = (values: number[] | null): number | null => values && values.reduce((sum, value) => sum + value, 0);
  return {
    silent,
    gauge: (family) => total(over(({ tally }) => tally!.sums.get(family) ?? 0)),
    peak: (family) => {
      const peaks = over(({ tally }) => tally!.peaks.get(family) ?? 0);
      return peaks && Math.max(...peaks);
    },
    grown: (family) =>
      total(over(({ tally }, first) => first && growth(first.sums.get(family), tally!.sums.get(family)))),
    commandMs: (share) => {
      if (!whole) return null;
      const merged = (tallies: (Tally | null)[]): Map<number, number> => {
        const sums = new Map<number, number>();
        for (const tally of tallies)
          for (const [bound, count] of tally?.buckets ?? []) sums.set(bound, (sums.get(bound) ?? 0) + count);
        return sums;
      };
      const firsts = nodes.map(({ shardId }) => before?.nodes.get(shardId)?.tally ?? null);
      if (firsts.includes(null)) return null;
      const seconds = quantile(merged(firsts), merged(nodes.map(({ tally }) => tally)), share);
      return seconds === null ? null : Math.round(seconds * 100_000) / 100;
    },
  };
}
