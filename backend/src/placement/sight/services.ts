/** Pure: the four kinds of nodes as services: how many are ready, and what their figures say. */
import { LAG_LIMIT } from '../record/tenants-sight.ts';
import type { Figure, ServiceKind } from '@cloudlysis/contract';
import { grouped, percentToTenths } from '../../kernel/figures.ts';
import { figure, type Asked, type Service, type ServiceSight } from '../../feature/attention.ts';
import type { KindFigures, Traffic } from '../../node-metrics/index.ts';
import type { SightedShard } from './sighted-shards.ts';

/** Thresholds that page somebody (CON-06). */
const ERROR_RATIO_LIMIT = 0.01;
const COMMAND_MS_LIMIT = 1_000;

export interface Measured {
  readonly figures: Readonly<Record<ServiceKind, KindFigures>>;
  readonly traffic: Traffic | null;
}

/** What the figures say: a limit that is crossed, or what could not be measured. */
interface Judged {
  readonly figures: Figure[];
  readonly crossed: string | null;
  /** Why the figures are not known; null where they are. */
  readonly unmeasured: string | null;
}

/** `areNamed`: nodes speak for themselves, and so do copies that they are in doubt of; a service says what no single node does. */
export const nodeServices = (
  shards: Asked<readonly SightedShard[]>,
  measured: Measured,
  areNamed: boolean,
): ServiceSight[] =>
  nodeKinds.map((kind) => {
    const service = serviceOf(kind, shards, measured);
    const nodes = shards.ok ? shards.value.filter((shard) => shard.kind === kind) : [];
    const isAboutNodes = nodes.some(({ state }) => state !== 'ready') && service.state !== 'down';
    return { ...service, itself: isAboutNodes || (areNamed && service.reason === doubtIn(nodes)) };
  });

const JUDGES: Readonly<Record<ServiceKind, (measured: Measured) => Judged>> = {
  gateway: ({ figures, traffic }) => {
    const ratio = traffic?.all.errorRatio ?? null;
    return {
      figures: [
        figure('requests_per_second', 'Requests', traffic?.all.requestsPerSecond ?? null, 'req/s'),
        figure('error_ratio', 'Errors (5xx)', ratio, 'ratio'),
      ],
      crossed:
        ratio !== null && ratio > ERROR_RATIO_LIMIT
          ? `5xx share ${percentToTenths(ratio)} > ${percentToTenths(ERROR_RATIO_LIMIT)}`
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

/** In the order in which they are told of. */
export const nodeKinds = Object.keys(JUDGES) as ServiceKind[];

function lagging(family: string, measured: KindFigures, more: Figure[]): Judged {
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

const silenceOf = ({ silent }: KindFigures): string =>
  silent.length > 0
    ? `metrics cannot be read: ${silent.map(({ shardId, reason }) => `${shardId}: ${reason}`).join('; ')}`
    : 'metrics were not sampled yet';

function serviceOf(kind: ServiceKind, shards: Asked<readonly SightedShard[]>, measured: Measured): Service {
  const { figures, crossed, unmeasured } = JUDGES[kind](measured);
  if (!shards.ok) return { kind, state: 'unknown', reason: `the shards cannot be read: ${shards.reason}`, figures };
  const nodes = shards.value.filter((shard) => shard.kind === kind);
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
