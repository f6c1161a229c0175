/**
 * Reads the nodes' metrics every 5 s, a few families each, so that lists, plans and the overview need not wait for it.
 *
 * A gateway that labels 10 000 tenants (18 MB with its histograms) costs 0.2 s of CPU, spread over the chunks as they
 * arrive; nodes that keep to the contract (PC-04: at most 200) cost a few milliseconds.
 */
import pLimit from 'p-limit';
import { Problem, type ServiceKind, type Shard } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../kernel/ambient.ts';
import type { NodesPort } from '../ports/nodes/index.ts';
import { figuresOf, flowAmong, rateIn, trafficBetween, type Flow, type KindFigures, type NodeReading, type Rate, type Round, type Traffic } from './rates.ts'; // prettier-ignore
import { FAMILIES, tallyOf } from './tally.ts';

export interface NodeMetrics {
  /** Traffic of the whole platform between the last two rounds; null where it is not known. */
  traffic(): Traffic | null;
  /** One tenant's share of it. */
  trafficOf(tenantId: string): (Rate & { readonly at: Date }) | null;
  /** For a plan: measured up to now. `wait`: a reading may be taken, worth up to a second; else what is known is told. */
  measure(tenantId: string, wait: boolean): Promise<Flow>;
  /** What several tenants had between the last two rounds. */
  flowOf(tenantIds: readonly string[]): Flow;
  figures(kind: ServiceKind): KindFigures;
  /** When the nodes were last read; null before the first round has ended. */
  sampledAt(): Date | null;
  start(): void;
  stop(): Promise<void>;
}

export interface NodeMetricsDeps {
  readonly nodes: NodesPort;
  readonly ambient: Ambient;
  readonly logger: Logger;
  shards(): Promise<readonly Shard[]>;
}

const EVERY_MS = 5_000;
/** Two readings nearer to each other say little: ten requests in 100 ms are no rate. */
const APART_MS = 1_000;
const AT_ONCE = 16;
/** What was measured longer ago is not told as the present. */
const STALE_MS = 20_000;

export function createNodeMetrics({ nodes, ambient, logger, shards }: NodeMetricsDeps): NodeMetrics {
  const stopping = new AbortController();
  let rounds: readonly Round[] = [];
  let known: readonly Shard[] = [];
  let running: Promise<void> | undefined;
  let now: Traffic | null = null;

  async function read(shard: Shard): Promise<NodeReading> {
    const { shard_id, kind } = shard;
    const which = { shardId: shard_id, kind };
    try {
      const samples = await nodes.at(shard).samples(FAMILIES[kind], stopping.signal);
      return { ...which, at: ambient.monotonic(), tally: tallyOf(samples), problem: null };
    } catch (error) {
      const problem = error instanceof Problem ? error.message : 'it did not answer';
      return { ...which, at: ambient.monotonic(), tally: null, problem };
    }
  }

  async function round(of: (shard: Shard) => boolean = () => true): Promise<Round> {
    // While the database is away the nodes that were known are read on.
    known = await shards().catch(() => known);
    const [at, began] = [ambient.now(), ambient.monotonic()];
    const readings = await pLimit(AT_ONCE).map(known.filter(of), read);
    return { at, began, nodes: new Map(readings.map((reading) => [reading.shardId, reading])) };
  }

  async function roundsForever(): Promise<void> {
    while (!stopping.signal.aborted) {
      const last = await round();
      rounds = [...rounds.slice(-1), last];
      now = trafficBetween(rounds.at(-2), last);
      if (now === null && rounds.length > 1) logger.debug('traffic is not known: a gateway did not tell');
      // The second reading soon, so that a service that has just started knows its traffic.
      await ambient.sleep(rounds.length < 2 ? APART_MS : EVERY_MS, stopping.signal).catch(() => undefined);
    }
  }

  const isFresh = (): boolean => ambient.monotonic() - (rounds.at(-1)?.began ?? -Infinity) < STALE_MS;
  const traffic = (): Traffic | null => (isFresh() ? now : null);

  async function measured(): Promise<Traffic | null> {
    const isGateway = ({ kind }: Shard): boolean => kind === 'gateway';
    const old = (one: Round): boolean => ambient.monotonic() - one.began >= APART_MS;
    let first = isFresh() ? rounds.findLast(old) : undefined;
    if (!first) {
      first = await round(isGateway);
      if (first.nodes.size === 0) return null;
      await ambient.sleep(APART_MS, stopping.signal);
    }
    return trafficBetween(first, await round(isGateway));
  }

  return {
    traffic,
    trafficOf(tenantId) {
      const current = traffic();
      const rate = rateIn(current, tenantId);
      return rate && current && { ...rate, at: current.at };
    },
    measure: async (tenantId, wait) => flowAmong(wait ? await measured() : traffic(), [tenantId]),
    flowOf: (tenantIds) => flowAmong(traffic(), tenantIds),
    figures: (kind) =>
      isFresh() ? figuresOf(kind, rounds.at(-2), rounds.at(-1)) : figuresOf(kind, undefined, undefined),
    sampledAt: () => rounds.at(-1)?.at ?? null,
    start() {
      running ??= roundsForever();
    },
    async stop() {
      stopping.abort(new Error('the sampler is stopped'));
      await running;
    },
  };
}
