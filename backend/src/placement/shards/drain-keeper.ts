/**
 * Keeps nodes to what was ordered: one that restarted and forgot its drain is drained again, one that missed a resume
 * is resumed. Every replica does so; what decides who of them puts it on record is the order's version.
 *
 * A call that a replica decided on and that arrives late is set right by the next round, because a lifted drain stays
 * as an order to serve for longer than any call can take.
 */
import { Problem } from '@cloudlysis/contract';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { ActiveJob } from '../../jobs/record/job-reader.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { PlacementDeps } from '../migrate/placement-deps.ts';
import { askedBy, subjectOf, toldTo } from '../record/drain-orders.ts';
import type { DrainOrder } from '../record/stored-placement.ts';
import { shardOf } from '../record/placement.store.ts';
import { every } from '../../kernel/time.ts';

const EVERY_MS = 1_000;
/** Calls to nodes end after 2 s, rounds of a replica that stalls somewhat later. */
const SETTLED_MS = 30_000;
/** A node that keeps forgetting is on record once a minute, with how often it was. */
const ON_RECORD_MS = 60_000;
/** Rounds from one look whether a drain still has its tenant to the next; it is looked at, too, before anything is told. */
const VOID_EVERY = 10;

export interface DrainKeeperDeps extends Pick<
  PlacementDeps,
  'ambient' | 'logger' | 'nodes' | 'jobs' | 'store' | 'drains' | 'watch' | 'tenantState'
> {
  readonly mongo: Pick<Mongo, 'transaction'>;
  readonly audit: Pick<AuditLog, 'append' | 'wake'>;
}

export class DrainKeeper {
  private readonly deps: DrainKeeperDeps;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private rounds = 0;

  constructor(deps: DrainKeeperDeps) {
    this.deps = deps;
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the keeper of drains is stopped'));
    await this.running;
  }

  async round(signal: AbortSignal): Promise<void> {
    this.rounds += 1;
    const orders = await this.deps.drains.all();
    if (orders.length === 0) return;
    const active = await this.deps.jobs.active();
    for (const order of orders) {
      if (isBusy(order, active)) continue;
      await this.keep(order, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        this.deps.logger.warn({ err: error, order: order._id }, 'what was ordered of a node could not be looked after');
      });
    }
  }

  private async keep(order: DrainOrder, signal: AbortSignal): Promise<void> {
    const { watch, store, drains } = this.deps;
    const report = watch.reports().get(order.shard_id)?.state ?? null;
    const isDue = this.rounds % VOID_EVERY === 0 || (report !== null && toldTo(order, report) !== null);
    const lost = isDue && order.wanted === 'drained' ? await this.whyVoid(order) : null;
    if (lost !== null) return void (await this.lift(order, lost));
    if (report === null) return;
    if (toldTo(order, report) === null) {
      if (this.isSettled(order)) await drains.drop(order);
      return;
    }
    // The report may be two seconds old, and a job may have begun since.
    const shard = shardOf(await store.shard(order.shard_id));
    const { state } = await watch.look(shard, signal);
    const told = state && toldTo(order, state);
    if (!told || isBusy(order, await this.deps.jobs.active())) return;
    if (!(await this.record(order, told, subjectOf(shard, order.tenant_id)))) return;
    const node = this.deps.nodes.at(shard);
    await (told === 'drain' ? node.drain(order.tenant_id, signal) : node.resume(order.tenant_id, signal));
  }

  /** Why a drain has lost its object; null while it stands. */
  private async whyVoid({ shard_id, tenant_id }: DrainOrder): Promise<string | null> {
    if (tenant_id === null) return null;
    const [tenant, shard] = await Promise.all([this.deps.tenantState(tenant_id), this.deps.store.findShard(shard_id)]);
    if (!tenant) return 'the tenant is gone';
    if (tenant.state === 'archived') return 'the tenant is archived';
    if (!shard || shard.kind === 'gateway') return null;
    const placement = await this.deps.store.find(shard.kind, tenant_id);
    return placement?.shard_id === shard_id ? null : `the tenant lives on ${placement?.shard_id ?? 'no shard'} now`;
  }

  /** A tenant that is served on a node which is drained as a whole is so for as long as that drain stands. */
  private isSettled({ wanted, shard_id, tenant_id, since }: DrainOrder): boolean {
    if (wanted === 'drained' || (tenant_id !== null && this.deps.drains.known().has(shard_id))) return false;
    return this.deps.ambient.now().getTime() - since.getTime() > SETTLED_MS;
  }

  private async lift(order: DrainOrder, why: string): Promise<boolean> {
    const next = { ...order, wanted: 'serving' as const, since: this.deps.ambient.now(), told_again: null };
    return this.swapOnRecord(order, next, 'drain.lifted', `${why}: its drain on ${order.shard_id} is lifted`);
  }

  /** False when another replica is at it. */
  private async record(order: DrainOrder, told: 'drain' | 'resume', subject: string): Promise<boolean> {
    const now = this.deps.ambient.now();
    const before = order.told_again;
    const isFresh = before !== null && now.getTime() - before.at.getTime() < ON_RECORD_MS;
    const times = (before?.times ?? 0) + 1;
    if (isFresh) return this.deps.drains.swap({ ...order, told_again: { at: before.at, times } }, order);
    const code = told === 'drain' ? 'drain.put_back' : 'drain.taken_back';
    const detail = `${subject} ${told === 'drain' ? 'had forgotten that it is drained' : 'was still drained'}, as ordered ${askedBy(order)}`;
    return this.swapOnRecord(order, { ...order, told_again: { at: now, times } }, code, detail);
  }

  private async swapOnRecord(order: DrainOrder, next: DrainOrder, code: string, detail: string): Promise<boolean> {
    const { mongo, drains, audit } = this.deps;
    try {
      await mongo.transaction(async (session) => {
        if (!(await drains.swap(next, order, session))) throw new Problem('version.stale', `${order._id} has changed`);
        const { shard_id, tenant_id, wanted, job_id, told_again } = next;
        await audit.append(
          {
            code, action: 'scale.drain', actor: 'system:control-plane', outcome: 'succeeded', reason: order.reason, jobId: job_id,
            resource: tenant_id === null ? `shard:${shard_id}` : `tenant:${tenant_id}`, tenantId: tenant_id,
            after: { shard_id, tenant_id, wanted, detail, times: told_again?.times ?? 0 },
          }, // prettier-ignore
          session,
        );
      });
    } catch (error) {
      if (error instanceof Problem && error.code === 'version.stale') return false;
      throw error;
    }
    audit.wake();
    return true;
  }

  private run(): Promise<void> {
    const { ambient, logger } = this.deps;
    const { signal } = this.stopping;
    const failed = (err: unknown): void => logger.warn({ err }, 'the drain orders could not be looked after');
    return every(ambient, EVERY_MS, signal, () => this.round(signal), failed);
  }
}

/** A job that drains or resumes by itself is let be: a migration of the tenant, a drain of the node. */
const isBusy = ({ shard_id, tenant_id }: DrainOrder, active: readonly ActiveJob[]): boolean =>
  active.some(({ kind, lane, tenantId, input }) => {
    if (tenant_id !== null && tenantId === tenant_id) return true;
    return (
      kind === 'scale.drain' && lane === `shard:${shard_id}` && (input as { shard_id?: string }).shard_id === shard_id
    );
  });
