/** Pure: the state of every kind of service, with the sentence why. What could not be checked is never `ok`. */
import { grouped } from '../kernel/figures.ts';
import { OverviewKind, type Figure, type ServiceKind } from '@cloudlysis/contract';
import { auditLag } from '../audit/index.ts';
import type { OverviewFacts, Service, SightedShard } from './facts.ts';

/** Thresholds that page somebody (CON-06). */
export const ERROR_RATIO_LIMIT = 0.01;
export const COMMAND_MS_LIMIT = 1_000;
/** The same as degrades a tenant. */
export const LAG_LIMIT = 5_000;
export const STORAGE_LIMIT = 0.85;
/** A break that is mended within this time is nobody's concern. */
export const BEHIND_MS = 2_000;

type Behind = OverviewFacts['copies'][number] & { readonly behindSince: Date };
export const copiesBehind = ({ copies, now }: Pick<OverviewFacts, 'copies' | 'now'>): Behind[] =>
  copies.filter(
    (copy): copy is Behind => copy.behindSince !== null && now.getTime() - copy.behindSince.getTime() > BEHIND_MS,
  );

export const figure = (name: string, label: string, value: number | null, unit: string): Figure => ({ name, label, value, unit }); // prettier-ignore

/** What the figures say: a limit that is crossed, or what could not be measured. */
interface Judged {
  readonly figures: Figure[];
  readonly crossed: string | null;
  /** Why the figures are not known; null where they are. */
  readonly unmeasured: string | null;
}

export const servicesOf = (facts: OverviewFacts): Service[] =>
  OverviewKind.options.map((kind) => serviceOf(kind, facts));

function serviceOf(kind: OverviewKind, facts: OverviewFacts): Service {
  switch (kind) {
    case 'jetstream':
      return jetstream(facts);
    case 'mongodb':
      return mongodb(facts);
    case 'control-plane':
      return controlPlane(facts);
    default:
      return nodesOf(kind, facts);
  }
}

const JUDGES: Readonly<Record<ServiceKind, (facts: OverviewFacts) => Judged>> = {
  gateway: ({ figures, traffic }) => {
    const ratio = traffic?.all.errorRatio ?? null;
    return {
      figures: [
        figure('requests_per_second', 'Requests', traffic?.all.requestsPerSecond ?? null, 'req/s'),
        figure('error_ratio', 'Errors (5xx)', ratio, 'ratio'),
      ],
      crossed:
        ratio !== null && ratio > ERROR_RATIO_LIMIT
          ? `5xx share ${percent(ratio)} > ${percent(ERROR_RATIO_LIMIT)}`
          : null,
      unmeasured: traffic ? null : silenceOf(figures.gateway),
    };
  },
  aggregate: ({ figures: { aggregate } }) => {
    const p95 = aggregate.commandMs(0.95);
    const inFlight = aggregate.gauge('aggregate_in_flight_commands');
    return {
      figures: [
        figure('command_p95', 'Command p95', p95, 'ms'),
        figure('in_flight', 'In flight', inFlight, 'commands'),
      ],
      crossed: p95 !== null && p95 > COMMAND_MS_LIMIT ? `command p95 ${p95} ms > ${COMMAND_MS_LIMIT} ms` : null,
      unmeasured: inFlight === null ? silenceOf(aggregate) : null,
    };
  },
  projection: ({ figures: { projection } }) => lagging('projection_lag_events', projection, []),
  runner: ({ figures: { runner } }) =>
    lagging('runner_lag_events', runner, [
      figure('outbox', 'Outbox', runner.gauge('runner_outbox_depth'), 'effects'),
      figure('dead_letters', 'Dead letters', runner.gauge('runner_deadletter_total'), 'effects'),
    ]),
};

function lagging(family: string, measured: OverviewFacts['figures']['runner'], more: Figure[]): Judged {
  const peak = measured.peak(family);
  return {
    figures: [
      figure('lag', 'Lag', measured.gauge(family), 'events'),
      figure('lag_peak', 'Worst tenant', peak, 'events'),
      ...more,
    ],
    crossed: peak !== null && peak > LAG_LIMIT ? `a tenant lags ${grouped(peak)} > ${grouped(LAG_LIMIT)} events` : null,
    unmeasured: peak === null ? silenceOf(measured) : null,
  };
}

const silenceOf = ({ silent }: OverviewFacts['figures']['runner']): string =>
  silent.length > 0
    ? `metrics cannot be read: ${silent.map(({ shardId, reason }) => `${shardId}: ${reason}`).join('; ')}`
    : 'metrics were not sampled yet';

function nodesOf(kind: ServiceKind, facts: OverviewFacts): Service {
  const { figures, crossed, unmeasured } = JUDGES[kind](facts);
  if (!facts.shards.ok)
    return { kind, state: 'unknown', reason: `the shards cannot be read: ${facts.shards.reason}`, figures };
  const nodes = facts.shards.value.filter((shard) => shard.kind === kind);
  const ready = nodes.filter(({ state }) => state === 'ready');
  const all = [figure('nodes_ready', 'Nodes ready', ready.length, 'nodes'), figure('nodes', 'Nodes', nodes.length, 'nodes'), ...figures]; // prettier-ignore
  if (nodes.length === 0) return { kind, state: 'unknown', reason: `no ${kind} is registered`, figures: all };
  const ill = nodes.filter(({ state }) => state !== 'ready').map(inWords);
  const whole = ready.length === 0 ? 'down' : ill.length > 0 ? 'degraded' : null;
  if (whole) return { kind, state: whole, reason: `${ready.length} of ${nodes.length} nodes are ready; ${ill.join('; ')}`, figures: all }; // prettier-ignore
  if (crossed) return { kind, state: 'degraded', reason: crossed, figures: all };
  const doubted = doubtIn(nodes);
  if (doubted) return { kind, state: 'degraded', reason: doubted, figures: all };
  const nodesReady = nodes.length === 1 ? `${nodes[0]!.shardId} is ready` : `all ${nodes.length} nodes are ready`;
  if (unmeasured) return { kind, state: 'unknown', reason: `${nodesReady}, but ${unmeasured}`, figures: all };
  return { kind, state: 'ok', reason: nodesReady, figures: all };
}

/** The first node that cannot vouch for a copy; null when all can. */
export function doubtIn(nodes: readonly SightedShard[]): string | null {
  const first = nodes.find(({ doubts }) => doubts.length > 0);
  return first ? `${first.shardId}: ${first.doubts[0]!.says}` : null;
}

const inWords = ({ shardId, state, reason }: SightedShard): string =>
  `${shardId} is ${state === 'unreachable' ? 'unreachable' : 'not ready'}${reason === '' ? '' : ` (${reason})`}`;

function jetstream({ bus }: OverviewFacts): Service {
  const account = bus.ok ? bus.value.account : null;
  const share = account?.limitBytes ? account.storedBytes / account.limitBytes : null;
  const figures = [
    figure('stored', 'Stored', account?.storedBytes ?? null, 'bytes'),
    figure('storage_used', 'Storage used', share === null ? null : Math.round(share * 1_000) / 1_000, 'ratio'),
    figure('streams', 'Streams', account?.streams ?? null, 'streams'),
    figure('consumers', 'Consumers', account?.consumers ?? null, 'consumers'),
    figure('round_trip', 'Round trip', bus.ok ? rounded(bus.value.roundTripMs) : null, 'ms'),
  ];
  if (!bus.ok) return { kind: 'jetstream', state: 'down', reason: bus.reason, figures };
  if (share !== null && share > STORAGE_LIMIT)
    return { kind: 'jetstream', state: 'degraded', reason: `storage ${percent(share)} full > ${percent(STORAGE_LIMIT)}`, figures }; // prettier-ignore
  return { kind: 'jetstream', state: 'ok', reason: `answers in ${rounded(bus.value.roundTripMs)} ms`, figures };
}

function mongodb({ store }: OverviewFacts): Service {
  const figures = [figure('round_trip', 'Round trip', store.ok ? rounded(store.value) : null, 'ms')];
  return store.ok
    ? { kind: 'mongodb', state: 'ok', reason: `answers in ${rounded(store.value)} ms`, figures }
    : { kind: 'mongodb', state: 'down', reason: store.reason, figures };
}

function controlPlane({ jobs, audit, chainBroken, copies, now }: OverviewFacts): Service {
  const waited = audit.ok && audit.value.waitingSince ? now.getTime() - audit.value.waitingSince.getTime() : 0;
  const figures = [
    figure('jobs_open', 'Jobs open', jobs.ok ? jobs.value.open : null, 'jobs'),
    figure('audit_records', 'Audit records', audit.ok ? audit.value.seq : null, 'records'),
    figure('audit_waiting', 'Audit records waiting', audit.ok ? audit.value.waiting : null, 'records'),
    figure('audit_wait', 'Audit records wait', audit.ok ? Math.max(0, Math.round(waited / 1_000)) : null, 's'),
  ];
  const kind = 'control-plane';
  if (chainBroken) return { kind, state: 'degraded', reason: `the audit chain does not hold: ${chainBroken.reason}`, figures }; // prettier-ignore
  const lag = audit.ok ? auditLag(audit.value, now) : null;
  if (lag) return { kind, state: 'degraded', reason: lag, figures };
  if (!audit.ok) return { kind, state: 'degraded', reason: `the audit log cannot be read: ${audit.reason}`, figures };
  const [behind] = copiesBehind({ copies, now });
  if (behind)
    return { kind, state: 'degraded', reason: `the copy of ${behind.name} may be behind since ${behind.behindSince.toISOString()}: ${behind.reason}`, figures }; // prettier-ignore
  if (!jobs.ok) return { kind, state: 'unknown', reason: `jobs cannot be counted: ${jobs.reason}`, figures };
  return { kind, state: 'ok', reason: 'the audit log keeps up', figures };
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
