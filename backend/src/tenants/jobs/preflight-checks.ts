/** What every tenant job looks at before it may run: whose lane it is, which nodes answer, and who would feel it. */
import { Problem, type BlastRadius, type Check } from '@cloudlysis/contract';
import { tenantFigures, touched } from '../../jobs/define/blast-radius.ts';
import type { JobReader } from '../../jobs/record/job-reader.ts';
import type { NodeMetrics } from '../../node-metrics/index.ts';
import { inFlightOf, type PlacementBook } from '../../placement/index.ts';
import { consumerNames, NEAR_LIMIT, toldLimit, type NatsPort } from '../../ports/nats/index.ts';
import type { ServingNodes } from '../nodes/serving-nodes.ts';
import { blocked, passed } from '../../jobs/plan/checks.ts';

export const laneOf = (tenantId: string): string => `tenant:${tenantId}`;

/** Two operators on one tenant: the second is told who is at it, rather than queued to be surprised later. */
export async function laneCheck(jobs: JobReader, tenantId: string, except: string | null): Promise<Check> {
  const title = 'No other job is working on the tenant';
  const holder = await jobs.holderOf(laneOf(tenantId), except);
  if (!holder) return passed('lane.free', title, `nothing else is working on ${tenantId}`, null);
  const detail = `${holder.jobId} (${holder.kind}, asked for by ${holder.actor}) is working on ${tenantId}`;
  return blocked('lane.free', title, detail, holder.jobId);
}

/** A node that does not answer can come back in time, so it warns: the kill switch must not be locked by a sick node. */
export async function nodesCheck(serving: ServingNodes, tenantId: string): Promise<Check> {
  const title = 'The nodes that serve the tenant answer';
  const verdicts = await serving.ask(tenantId, () => true);
  const silent = verdicts.filter(({ ok }) => !ok);
  const risk = silent.every((one) => one.silent)
    ? 'a dead gateway carries no traffic, and the proof will say that it is not confirmed'
    : 'the change is undone unless all confirm it';
  const detail = silent.length
    ? `${silent.map(({ node, says }) => `${node.shardId}: ${says}`).join('; ')}; ${risk}`
    : `${verdicts.length} nodes answer: ${verdicts.map(({ node }) => node.shardId).join(', ') || 'none serves it'}`;
  return {
    ...passed('nodes.answer', title, detail, verdicts.length - silent.length),
    limit: verdicts.length,
    status: silent.length ? 'warn' : 'pass',
    unit: 'nodes',
  };
}

/** NATS away is a blocked check in a preflight, not an error: the plan still says everything else. */
export async function busCheck(nats: NatsPort): Promise<Check> {
  const title = 'NATS answers';
  try {
    const ms = Math.round((await nats.ping()) * 10) / 10;
    return { ...passed('bus.reachable', title, `NATS answers in ${ms} ms`, ms), unit: 'ms' };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return blocked('bus.reachable', title, error.message, null);
  }
}

/** A tenant's two consumers are on one stream for all tenants, which has room for so many; what could not be asked is not room. */
export async function consumersCheck(tenantId: string, nats: NatsPort): Promise<Check[]> {
  const kinds = ['projection', 'runner'] as const;
  const asked = Promise.all([nats.limits(), ...kinds.map((kind) => nats.consumer(tenantId, kind))]);
  const title = 'The event stream has room for its consumers';
  const answered = await asked.catch((error: unknown) => {
    if (error instanceof Problem) return blocked('consumers.room', title, `not known: ${error.message}`, null);
    throw error;
  });
  if (!Array.isArray(answered)) return [answered];
  const [limits, ...consumers] = answered;
  const events = limits.find(({ stream, what }) => stream === 'EVENTS' && what === 'consumers');
  if (!events || events.limit === null) return [];
  const used = events.used + consumerNames(tenantId).length - consumers.filter(Boolean).length;
  const share = used / events.limit;
  const status = share > 1 ? 'block' : share >= NEAR_LIMIT ? 'warn' : 'pass';
  const detail = `with its consumers ${toldLimit({ ...events, used })}`;
  return [{ ...passed('consumers.room', title, detail, used), limit: events.limit, unit: 'consumers', status }];
}

export interface BlastDeps {
  readonly nats: NatsPort;
  readonly placement: PlacementBook;
  readonly traffic: Pick<NodeMetrics, 'measure'>;
}

const UNKNOWN = { perSecond: null, share: null };

/** Who would feel it now: measured where it can be, null where it cannot. A tenant that is held back has no traffic; `wait` for a reader. */
export async function blastRadius(
  tenantId: string,
  hasTraffic: boolean,
  wait: boolean,
  { nats, placement, traffic }: BlastDeps,
): Promise<BlastRadius> {
  const [lag, flow] = await Promise.all([
    largestLag(tenantId, nats).catch(() => null),
    hasTraffic ? traffic.measure(tenantId, wait).catch(() => UNKNOWN) : null,
  ]);
  const inFlight = inFlightOf([tenantId], placement.reports());
  return touched('tenant', [tenantId], tenantFigures(flow, inFlight, lag));
}

async function largestLag(tenantId: string, nats: NatsPort): Promise<number | null> {
  const [projection, runner] = await Promise.all([
    nats.consumer(tenantId, 'projection'),
    nats.consumer(tenantId, 'runner'),
  ]);
  const lags = [projection, runner].flatMap((consumer) => (consumer ? [consumer.lag] : []));
  return lags.length ? Math.max(...lags) : null;
}
