/** Nodes as what may need a person: how their kinds are as services, and what ails a single one. */
import { grouped } from '../../kernel/figures.ts';
import type { Asked, Found, Look } from '../../feature/attention.ts';
import type { KindFigures, NodeMetrics } from '../../node-metrics/index.ts';
import { askedBy } from '../record/drain-orders.ts';
import { nodeKinds, nodeServices, type Measured } from './services.ts';
import type { SightedShard } from './sighted-shards.ts';

export interface NodesSight {
  shards(now: Date): Promise<readonly SightedShard[]>;
  readonly metrics: Pick<NodeMetrics, 'traffic' | 'figures'>;
}

export const nodesLook =
  ({ shards, metrics }: NodesSight): Look =>
  async ({ ask, now, wholePlatform }) => {
    const seen = await ask('shards', () => shards(now));
    const figures = Object.fromEntries(
      nodeKinds.map((kind) => [kind, wholePlatform ? metrics.figures(kind) : muted(metrics.figures(kind))]),
    ) as Measured['figures'];
    const told = wholePlatform ? seen : nameless(seen);
    const silent = Object.entries(figures).flatMap(([kind, all]) =>
      all.silent.map(({ shardId, reason }) => ({ source: `${kind}/${shardId} metrics`, reason })),
    );
    return {
      services: nodeServices(told, { figures, traffic: metrics.traffic() }, wholePlatform),
      platform: seen.ok ? seen.value.flatMap(itemsOf) : [],
      unchecked: silent,
    };
  };

/** How many nodes are ready is told to everybody; which ones, and what they say, is not. */
const nameless = (seen: Asked<readonly SightedShard[]>): Asked<readonly SightedShard[]> =>
  seen.ok ? { ok: true, value: seen.value.map(inOutline) } : seen;

const inOutline = (shard: SightedShard): SightedShard => ({
  ...shard,
  shardId: 'a node',
  reason: '',
  doubts: shard.doubts.slice(0, 1).map(({ since }) => ({ bucket: 'what it follows', says: 'its copies cannot be vouched for', since })),
}); // prettier-ignore

const muted = (all: KindFigures): KindFigures => ({
  ...all,
  silent: all.silent.slice(0, 1).map(() => ({ shardId: 'some nodes', reason: 'they could not be asked' })),
});

const itemsOf = (shard: SightedShard): Found[] => [
  ...health(shard),
  ...doubts(shard),
  ...drainsOf(shard),
  ...load(shard),
];

function health({ shardId, kind, state, reason, since, drains, ordered, tenants }: SightedShard): Found[] {
  const about = { since: null, resource: `shard:${shardId}` };
  const held = tenants > 0 ? `, ${grouped(tenants)} tenants are placed there` : '';
  const isHome = tenants > 0 && kind !== 'gateway';
  if (state === 'unreachable') {
    // They are not served until it is back or they live elsewhere; a move as usual would wait for it.
    const way = isHome ? { action: 'scale.evacuate', input: { source: 'gone' as const } } : { action: null };
    const detail = `${reason}${held}${isHome ? ': evacuate it as gone if it does not come back' : ''}`;
    return [{ ...about, id: `shard.unreachable:${shardId}`, severity: 'critical', title: `${kind}/${shardId} is unreachable`, detail, since: since?.toISOString() ?? null, ...way }]; // prettier-ignore
  }
  const isOrdered = drains || ordered.some(({ tenant_id }) => tenant_id === null);
  if (state === 'not-ready' && !isOrdered)
    return [{ ...about, id: `shard.not_ready:${shardId}`, severity: 'warning', title: `${kind}/${shardId} is not ready`, detail: `${reason}${held}`, action: isHome ? 'scale.evacuate' : null }]; // prettier-ignore
  return [];
}

/** A node goes on with what it last knew: tenants that moved, were paused or let in since may be treated as before. */
const doubts = ({ shardId, kind, doubts }: SightedShard): Found[] =>
  doubts.map(({ bucket, says, since }) => ({
    id: `shard.copy:${shardId}/${bucket}`,
    severity: bucket === 'iam_revocations' ? 'critical' : 'warning',
    title: `The copy of ${bucket} on ${kind}/${shardId} cannot be vouched for`,
    detail: `${says}; ${bucket === 'iam_revocations' ? 'tokens revoked since then may still be accepted' : 'it goes on with what it last read'}`,
    since: since.toISOString(),
    resource: `shard:${shardId}`,
    action: bucket === 'placement' ? 'scale.drift.repair' : null,
  }));

/** Drains are nobody's fault, yet somebody has to end them; one that its node does not keep to is a fault. */
function drainsOf({ shardId, kind, state, drains, ordered, tenants }: SightedShard): Found[] {
  const whole = ordered.find(({ tenant_id }) => tenant_id === null);
  const held = tenants > 0 ? `, ${grouped(tenants)} tenants are placed there` : '';
  const found: Found[] = [];
  const resume = { action: 'scale.drain', input: { action: 'resume' as const } };
  if (state !== 'unreachable' && (drains || whole)) {
    const asked = whole ? ` ${askedBy(whole)}` : ', though nobody asked for it here';
    const is = drains ? 'is drained' : 'serves, though it is to be drained';
    const detail = `the whole node ${drains ? 'takes' : 'is to take'} nothing new${asked}${held}`;
    const about = {
      id: `shard.drains:${shardId}`,
      resource: `shard:${shardId}`,
      since: whole?.since.toISOString() ?? null,
    };
    found.push({
      ...about,
      severity: drains ? 'info' : 'warning',
      title: `${kind}/${shardId} ${is}`,
      detail,
      ...resume,
    });
  }
  for (const order of ordered) {
    if (order.tenant_id === null) continue;
    const about = { id: `drain:${order._id}`, resource: `tenant:${order.tenant_id}`, since: order.since.toISOString() };
    const title = `${order.tenant_id} is drained on ${kind}/${shardId}`;
    found.push({
      ...about,
      severity: 'info',
      title,
      detail: askedBy(order),
      ...resume,
      input: { ...resume.input, shard_id: shardId },
    });
  }
  return found;
}

function load({ shardId, kind, tenants, capacity }: SightedShard): Found[] {
  if (tenants <= capacity) return [];
  const detail = `${grouped(tenants)} tenants on a capacity of ${grouped(capacity)}`;
  return [{ id: `shard.overfull:${shardId}`, severity: 'warning', title: `${kind}/${shardId} is over its capacity`, detail, since: null, resource: `shard:${shardId}`, action: 'scale.migrate' }]; // prettier-ignore
}
