/** Asks every shard's node how it is, every 2 s, so that lists and statuses need not wait for a node. */
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { Problem, type Shard } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { withoutAddresses, type NodesPort } from '../../ports/nodes/index.ts';
import { copyDoubts } from './copy-doubts.ts';
import type { NodeReport } from '../record/placement-book.ts';
import type { ShardSight } from './node-checks.ts';
import { every } from '../../kernel/time.ts';

const EVERY_MS = 2_000;
/** Nodes asked at once: enough for 100 shards in one round, few enough not to starve the process. */
const AT_ONCE = 16;

export interface NodeWatchDeps {
  readonly nodes: NodesPort;
  readonly ambient: Ambient;
  readonly logger: Logger;
  shards(): Promise<Shard[]>;
}

export class NodeWatch {
  private readonly deps: NodeWatchDeps;
  private readonly stopping = new AbortController();
  private latest = new Map<string, NodeReport>();
  private running: Promise<void> | undefined;

  constructor(deps: NodeWatchDeps) {
    this.deps = deps;
  }

  reports(): ReadonlyMap<string, NodeReport> {
    return this.latest;
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the watch is stopped'));
    await this.running;
  }

  /** Asks one node now, and keeps the answer. */
  async look(shard: Shard, signal?: AbortSignal): Promise<ShardSight> {
    const asked = await this.ask(shard, signal);
    const sight = { ...asked, problem: asked.problem && withoutAddresses(asked.problem) };
    const { state, readiness, problem } = sight;
    const at = this.deps.ambient.now();
    const before = this.latest.get(shard.shard_id);
    const since = problem === null ? null : (before?.since ?? at);
    // One answer that took too long to tell the time takes nothing back.
    const aheadMs = state?.now === undefined ? null : (asked.aheadMs ?? before?.aheadMs ?? null);
    const doubts = copyDoubts(state, before?.doubts ?? [], at);
    this.latest.set(shard.shard_id, { shardId: shard.shard_id, state, readiness, problem, aheadMs, at, since, doubts });
    return sight;
  }

  /** Asks one node now; for a node that is not, or not yet, the shard's. */
  async ask(shard: Shard, signal?: AbortSignal): Promise<ShardSight> {
    const node = this.deps.nodes.at(shard);
    const [state, readiness] = await Promise.allSettled([node.state(signal), node.ready(signal)]);
    signal?.throwIfAborted();
    const failed = [state, readiness].find((answer) => answer.status === 'rejected');
    const stranger = state.status === 'rejected' ? strangerIn(state.reason) : null;
    return {
      shard,
      stranger,
      state: state.status === 'fulfilled' ? state.value : null,
      readiness: readiness.status === 'fulfilled' && stranger === null ? readiness.value : null,
      problem: failed ? sentence(failed.reason) : null,
      aheadMs: state.status === 'fulfilled' ? state.value.aheadMs : null,
    };
  }

  /** Asks every node now. */
  async lookAll(signal?: AbortSignal): Promise<ShardSight[]> {
    const shards = await this.deps.shards();
    const sights = await pLimit(AT_ONCE).map(shards, (shard) => this.look(shard, signal));
    const known = new Set(shards.map(({ shard_id }) => shard_id));
    for (const shardId of this.latest.keys()) if (!known.has(shardId)) this.latest.delete(shardId);
    return sights;
  }

  private run(): Promise<void> {
    const { ambient, logger } = this.deps;
    const { signal } = this.stopping;
    const failed = (err: unknown): void => logger.warn({ err }, 'the nodes could not be asked');
    return every(ambient, EVERY_MS, signal, () => this.lookAll(signal), failed);
  }
}

const strangerIn = (error: unknown): string | null =>
  error instanceof Problem && error.code === 'node.stranger'
    ? String(error.extra['says'] ?? 'no node of this platform')
    : null;

const sentence = (error: unknown): string => (error instanceof Problem ? error.message : String(error));
