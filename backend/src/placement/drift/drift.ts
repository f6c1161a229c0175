/** Pure: where the record in MongoDB, the published placement and the nodes' own reports disagree. */
import type { Drift, ServiceKind } from '@cloudlysis/contract';
import type { PublishedPlacement } from '../../ports/nats/index.ts';

export interface Reporter {
  readonly shardId: string;
  readonly revision: number;
}

/** Where a gateway that answered sends the tenant; `shardId` null where it does not know it. */
export interface Routed {
  readonly gateway: string;
  readonly shardId: string | null;
  readonly revision: number;
}

export interface Agreement {
  readonly tenantId: string;
  readonly kind: ServiceKind;
  /** `shardId` null: released, and the record remembers it. The whole null: never recorded. */
  readonly recorded: { readonly shardId: string | null; readonly revision: number } | null;
  readonly published: PublishedPlacement | null;
  /** Nodes of this kind that hold the tenant. */
  readonly reported: readonly Reporter[];
  /** What the gateways do; none for a kind that they do not route to. */
  readonly routed: readonly Routed[];
  /** Shards of this kind whose node answered; of the others nothing is said. */
  readonly answered: ReadonlySet<string>;
  /** Placement comes from a file: only nodes can be told to read it again. */
  readonly readOnly: boolean;
}

/** Null when all that could be asked agree. */
export function driftOf(now: Agreement): Drift | null {
  const found = disagreement(now);
  if (!found) return null;
  return {
    tenant_id: now.tenantId,
    kind: now.kind,
    recorded: now.recorded?.shardId ?? null,
    published: now.published?.shard ?? null,
    reported: now.reported.map(({ shardId }) => shardId),
    misrouted: misrouted(now).map(({ gateway }) => gateway),
    reason: found.reason,
    repairable: found.repairable,
  };
}

interface Disagreement {
  readonly reason: string;
  readonly repairable: boolean;
}

function disagreement(now: Agreement): Disagreement | null {
  return publication(now) ?? reports(now) ?? routes(now);
}

function publication({ recorded, published, readOnly }: Agreement): Disagreement | null {
  const repairable = !readOnly;
  if (!recorded || recorded.shardId === null) {
    if (!published) return null;
    const reason = `published on ${published.shard}, ${recorded ? 'though the record says it was released' : 'and recorded nowhere'}`;
    // What nobody recorded may be the only trace of a tenant: a person decides about it.
    return { reason, repairable: repairable && recorded !== null };
  }
  if (!published) return { reason: `recorded on ${recorded.shardId}, published nowhere`, repairable };
  if (published.shard !== recorded.shardId) {
    return { reason: `recorded on ${recorded.shardId}, published on ${published.shard}`, repairable };
  }
  if (published.revision === recorded.revision) return null;
  return { reason: `recorded at revision ${recorded.revision}, published at ${published.revision}`, repairable };
}

function reports({ recorded, reported, answered, kind }: Agreement): Disagreement | null {
  // A gateway serves every tenant, placed or not.
  if (kind === 'gateway') return null;
  const home = recorded?.shardId ?? null;
  const elsewhere = reported.filter(({ shardId }) => shardId !== home).map(({ shardId }) => shardId);
  if (elsewhere.length) {
    return { reason: `${elsewhere.join(', ')} still holds it, recorded on ${home ?? 'no shard'}`, repairable: true };
  }
  if (home === null || !answered.has(home)) return null;
  const there = reported.find(({ shardId }) => shardId === home);
  if (!there) return { reason: `recorded on ${home}, whose node does not hold it`, repairable: true };
  // Ahead is no better than behind: it would ignore the next placement.
  if (recorded && there.revision !== recorded.revision) {
    const reason = `${home} is at revision ${there.revision}, recorded is ${recorded.revision}`;
    return { reason, repairable: true };
  }
  return null;
}

function misrouted({ recorded, routed }: Agreement): Routed[] {
  const home = recorded?.shardId ?? null;
  return routed.filter(
    ({ shardId, revision }) => shardId !== home || (home !== null && revision !== recorded?.revision),
  );
}

/** A gateway carries the traffic: elsewhere it is a tenant whose commands fail, whatever nodes and record agree on. */
function routes(now: Agreement): Disagreement | null {
  const wrong = misrouted(now);
  if (wrong.length === 0) return null;
  const home = now.recorded?.shardId;
  const each = wrong.map(({ gateway, shardId, revision }) =>
    shardId === null ? `${gateway} does not know it` : `${gateway} routes it to ${shardId} at revision ${revision}`,
  );
  const recorded = home ? `${home} at revision ${now.recorded?.revision}` : 'no shard';
  return { reason: `${each.join(', ')}, recorded on ${recorded}`, repairable: true };
}
