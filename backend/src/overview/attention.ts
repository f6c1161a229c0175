/** Pure: what needs a person, most severe first, and what could not be looked at. */
import { grouped } from '../kernel/figures.ts';
import { auditLag } from '../audit/index.ts';
import { nearLimits, shareOf, toldLimit } from '../ports/nats/index.ts';
import { askedBy } from '../placement/index.ts';
import type { Attention, Found, OverviewFacts, Service, SightedShard, Unchecked } from './facts.ts';
import { clocks } from './clock-attention.ts';
import { copiesBehind, doubtIn } from './services.ts';

export const MAX_ITEMS = 50;
/** The records of it stay; a person is asked to look for a week. */
const SET_ASIDE_MS = 7 * 86_400_000;
const RANK: Readonly<Record<Attention['severity'], number>> = { critical: 0, warning: 1, info: 2 };

/** Within a severity the newest first: what has just begun is what nobody has seen. */
export function attentionOf(facts: OverviewFacts, services: readonly Service[]): Attention[] {
  const platform = facts.wholePlatform
    ? [
        ...shards(facts),
        ...limits(facts),
        ...audit(facts),
        ...copies(facts),
        ...clocks(facts),
        ...keys(facts),
        ...namesakes(facts),
        ...unknown(facts),
        ...drift(facts),
        ...records(facts),
      ]
    : [];
  const found = [
    ...services.filter((one) => !isSaidByNodes(one, facts)).flatMap(service),
    ...platform,
    ...tenants(facts),
    ...jobs(facts),
    ...awaiting(facts),
  ];
  const since = (item: Found): string => item.since ?? '';
  return found
    .sort((a, b) => RANK[a.severity] - RANK[b.severity] || (since(a) < since(b) ? 1 : since(a) > since(b) ? -1 : 0))
    .slice(0, MAX_ITEMS)
    .map((item) => ({ input: {}, ...item }));
}

function records({ badRecords }: OverviewFacts): Attention[] {
  const [first] = badRecords;
  if (!first) return [];
  const more = badRecords.length > 1 ? `; and ${badRecords.length - 1} more` : '';
  const detail = `${first.id} (${first.where}): ${first.reason}${more}. Lists leave them out`;
  const title = badRecords.length === 1 ? 'A stored record cannot be read' : `${grouped(badRecords.length)} stored records cannot be read`; // prettier-ignore
  return [{ id: 'records.unreadable', severity: 'warning', title, detail, since: null, resource: 'service:mongodb', action: null, input: {} }]; // prettier-ignore
}

/** Degraded by a copy in doubt, which has an item of its own for who sees nodes. */
const isSaidByNodes = ({ kind, reason }: Service, { shards, wholePlatform }: OverviewFacts): boolean =>
  wholePlatform && shards.ok && reason === doubtIn(shards.value.filter((shard) => shard.kind === kind));

/** Nodes speak for themselves; here is what no single node says. */
function service({ kind, state, reason, figures }: Service): Found[] {
  const ready = figures.find(({ name }) => name === 'nodes_ready')?.value ?? null;
  const nodes = figures.find(({ name }) => name === 'nodes')?.value ?? null;
  const isAboutNodes = nodes !== null && ready !== nodes;
  if (kind === 'control-plane' || state === 'ok' || state === 'unknown' || (isAboutNodes && state !== 'down'))
    return [];
  const severity = state === 'down' ? 'critical' : 'warning';
  const title = `${NAMES[kind]} ${state === 'down' ? 'is down' : 'is degraded'}`;
  return [{ id: `service.${state}:${kind}`, severity, title, detail: reason, since: null, resource: `service:${kind}`, action: null }]; // prettier-ignore
}

const NAMES: Readonly<Record<Service['kind'], string>> = {
  gateway: 'Gateway',
  aggregate: 'Aggregate',
  projection: 'Projection',
  runner: 'Runner',
  jetstream: 'JetStream',
  mongodb: 'MongoDB',
  'control-plane': 'Control plane',
};

const shards = ({ shards }: OverviewFacts): Found[] =>
  shards.ok
    ? shards.value.flatMap((shard) => [...health(shard), ...doubts(shard), ...drainsOf(shard), ...load(shard)])
    : [];

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

/** Told from 80 % on: what stands on a full stream is refused, and raising a limit takes a person. */
export const limits = ({ bus }: Pick<OverviewFacts, 'bus'>): Found[] =>
  (bus.ok ? nearLimits(bus.value.limits) : []).map((one) => ({
    id: `limit:${one.stream}.${one.what}`,
    severity: shareOf(one) >= 1 ? 'critical' : 'warning',
    title: `${one.stream} ${shareOf(one) >= 1 ? 'is at' : 'nears'} its limit of ${one.what}`,
    detail: `${toldLimit(one)}; raise the limit of the stream, or of the account`,
    since: null,
    resource: `stream:${one.stream}`,
    action: null,
  }));

function audit({ audit, chainBroken, now }: OverviewFacts): Found[] {
  const about = { resource: 'audit', severity: 'critical' as const };
  const items: Found[] = [];
  if (chainBroken)
    items.push({ ...about, id: 'audit.broken', title: 'The audit chain does not hold', detail: chainBroken.reason, since: chainBroken.at.toISOString(), action: 'audit.verify' }); // prettier-ignore
  if (!audit.ok) return items;
  const { waitingSince, setAside } = audit.value;
  const lag = auditLag(audit.value, now);
  if (lag)
    items.push({ ...about, id: 'audit.waiting', title: 'Audit records wait for their place in the chain', detail: lag, since: waitingSince?.toISOString() ?? null, action: null }); // prettier-ignore
  if (setAside && now.getTime() - setAside.newestAt.getTime() < SET_ASIDE_MS) {
    const detail = `${setAside.documents === 1 ? 'a document' : `${grouped(setAside.documents)} documents`} lay in the audit inbox and could not be read; kept, and on record as audit.set_aside`;
    items.push({ ...about, id: 'audit.set_aside', title: 'Something foreign was written to the audit log', detail, since: setAside.newestAt.toISOString(), action: 'audit.verify' }); // prettier-ignore
  }
  return items;
}

/** Answers go on from what was last known; whoever decides on them must know since when. */
const copies = (facts: OverviewFacts): Found[] =>
  copiesBehind(facts).map(({ name, behindSince, reason }) => ({
    id: `copy.behind:${name}`,
    severity: name === 'revocations' ? 'critical' : 'warning',
    title: `The copy of ${name} may be behind`,
    detail: `${reason}; ${name === 'revocations' ? 'tokens revoked since then may still be accepted' : 'what is shown of them is what was last read'}`,
    since: behindSince.toISOString(),
    resource: 'service:control-plane',
    action: null,
  }));

/** During a deployment for seconds; longer where the only replica that knew them is gone. */
const unknown = ({ unknownJobs }: OverviewFacts): Found[] =>
  unknownJobs.length === 0
    ? []
    : [{
        id: 'jobs.unknown',
        severity: 'warning',
        title: `${unknownJobs.length} ${unknownJobs.length === 1 ? 'job waits' : 'jobs wait'} for a replica that knows ${unknownJobs.length === 1 ? 'it' : 'them'}`,
        detail: `No replica that runs knows ${[...new Set(unknownJobs.map(({ what }) => what))].slice(0, 3).join(', ')}: start one of the release that made ${unknownJobs.length === 1 ? 'it' : 'them'}, or a later one that carries ${unknownJobs.length === 1 ? 'it' : 'them'} on; ${unknownJobs.slice(0, 3).map(({ jobId }) => jobId).join(', ')}`,
        since: null,
        resource: unknownJobs.length === 1 ? `job:${unknownJobs[0]!.jobId}` : 'service:control-plane',
        action: null,
      }]; // prettier-ignore

/** Nobody sees it but those whose changes are refused, about every second one. */
const keys = ({ otherKeys }: OverviewFacts): Found[] =>
  otherKeys.length === 0
    ? []
    : [{
        id: 'control-key.differs',
        severity: 'critical',
        title: 'Replicas have different control keys',
        detail: `${otherKeys.slice(0, 5).join(', ')} ${otherKeys.length === 1 ? 'has' : 'have'} another CONTROL_KEY than the replica that answered: plans made by one are refused by the other; give all the same file and restart`,
        since: null,
        resource: 'service:control-plane',
        action: null,
      }]; // prettier-ignore

/** Nothing is done twice, since every claim has its fence; each job is begun again for no reason. */
const namesakes = ({ namesake }: OverviewFacts): Found[] =>
  namesake === null
    ? []
    : [{
        id: 'replica.namesake',
        severity: 'critical',
        title: `Two replicas are called ${namesake}`,
        detail: 'each is taken for an earlier life of the other, so jobs of one are taken over by the other while they run; give each a REPLICA_ID of its own and restart',
        since: null,
        resource: 'service:control-plane',
        action: null,
      }]; // prettier-ignore

function drift({ drift }: OverviewFacts): Found[] {
  if (!drift.ok || drift.value.items.length === 0) return [];
  const { items } = drift.value;
  const [first] = items;
  const detail = `${first!.kind}/${first!.tenant_id}: ${first!.reason}${items.length > 1 ? `; and ${items.length - 1} more` : ''}`;
  const action = items.some(({ repairable }) => repairable) ? 'scale.drift.repair' : null;
  const title = items.length === 1 ? 'A placement has drifted' : `${grouped(items.length)} placements have drifted`;
  return [{ id: 'drift', severity: 'warning', title, detail, since: null, resource: 'drift', action }];
}

function tenants({ tenants }: OverviewFacts): Found[] {
  if (!tenants.ok) return [];
  const { degraded, degradedTotal } = tenants.value;
  const named = degraded.map(({ tenantId, status }): Found => ({
    id: `tenant.degraded:${tenantId}`,
    severity: 'warning',
    title: `${tenantId} is degraded`,
    detail: status.reason,
    since: status.since.toISOString(),
    resource: `tenant:${tenantId}`,
    action: null,
  }));
  if (degradedTotal <= degraded.length) return named;
  const title = `${grouped(degradedTotal)} tenants are degraded`;
  const detail = `${degraded.length} of them are named here, those that have been it longest`;
  return [{ id: 'tenants.degraded', severity: 'critical', title, detail, since: null, resource: 'tenants', action: null }, ...named]; // prettier-ignore
}

const jobs = ({ failures }: OverviewFacts): Found[] =>
  (failures.ok ? failures.value : []).map(({ jobId, kind, state, resource, why, endedAt }) => ({
    id: `job.${state}:${jobId}`,
    // A job that was undone left nothing behind; one that failed may have.
    severity: state === 'failed' ? 'warning' : 'info',
    title: `${kind} ${state === 'failed' ? 'failed' : 'was undone'} on ${resource}`,
    detail: why,
    since: endedAt?.toISOString() ?? null,
    resource: `job:${jobId}`,
    action: 'jobs.retry',
  }));

const awaiting = ({ awaiting }: OverviewFacts): Found[] =>
  (awaiting.ok ? awaiting.value : []).map(({ jobId, kind, resource, signal, since }) => ({
    id: `job.awaits:${jobId}`,
    severity: 'info',
    title: `${kind} on ${resource} waits for ${signal}`,
    detail: `It goes on once who may has said so; its page says who that is`,
    since: since.toISOString(),
    resource: `job:${jobId}`,
    action: null,
  }));

/** What the caller must not take for fine, because nobody looked. */
export function uncheckedOf(facts: OverviewFacts): Unchecked[] {
  const asked: [string, { ok: boolean; reason?: string }, boolean][] = [
    ['shards', facts.shards, true],
    ['NATS', facts.bus, true],
    ['MongoDB', facts.store, true],
    ['audit log', facts.audit, true],
    ['jobs', facts.jobs, true],
    ['failed jobs', facts.failures, true],
    ['jobs that wait for a word', facts.awaiting, true],
    ['tenants', facts.tenants, true],
    ['drift', facts.drift, facts.wholePlatform],
  ];
  const silent = Object.entries(facts.figures).flatMap(([kind, { silent }]) =>
    silent.map(({ shardId, reason }) => ({ source: `${kind}/${shardId} metrics`, reason })),
  );
  const unread = asked.flatMap(([source, { ok, reason }, matters]) => (ok || !matters ? [] : [{ source, reason: reason ?? '' }])); // prettier-ignore
  const blind =
    facts.drift.ok && facts.wholePlatform && facts.drift.value.unreachable.length > 0
      ? [{ source: 'drift', reason: `${facts.drift.value.unreachable.join(', ')} could not be asked` }]
      : [];
  return [...unread, ...silent, ...blind].slice(0, 100);
}
