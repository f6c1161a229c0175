/**
 * Keeps the published flags to what is recorded: a tenant that is paused or archived stays held back when its entry on
 * NATS was lost, overwritten or made unreadable. Nodes that run keep what they knew; one that starts would serve it.
 *
 * The other way round nothing is let through: a flag that holds back a tenant whom nobody paused here is somebody's kill
 * switch, or all that is left of a pause whose record was put back, and a person decides. It is said of the tenant.
 *
 * Each is looked at in turn, so a round costs the same whatever their number: 100 of either in 2 s, 10 000 in about three
 * minutes.
 */
import type { Logger } from 'pino';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { Ambient } from '../../kernel/ambient.ts';
import type { JobReader } from '../../jobs/record/job-reader.ts';
import { tenantFlagsKey, type NatsPort } from '../../ports/nats/index.ts';
import type { Directory } from '../directory/directory.ts';
import type { ServingNodes } from './serving-nodes.ts';
import type { TenantRecord } from '../directory/tenants.ts';
import type { TenantStore } from '../directory/tenants.store.ts';
import { every } from '../../kernel/time.ts';

export interface FlagKeeperDeps {
  readonly directory: Directory;
  readonly store: Pick<TenantStore, 'find'>;
  readonly nats: Pick<NatsPort, 'config'>;
  readonly jobs: JobReader;
  readonly serving: Pick<ServingNodes, 'flagsHeld'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly ambient: Ambient;
  readonly logger: Logger;
}

const EVERY_MS = 2_000;
const A_ROUND = 100;
/** An entry that says otherwise may be of somebody who is about to write the record; one that is gone is nobody's. */
const STANDS_MS = 6_000;

export class FlagKeeper {
  private readonly deps: FlagKeeperDeps;
  private readonly stopping = new AbortController();
  private queue: string[] = [];
  private others: string[] = [];
  private readonly contrary = new Map<string, { readonly kvRevision: number; readonly since: number }>();
  /** What was tried for a tenant and is on record: a NATS that refuses writes makes no record at each round. */
  private readonly tried = new Map<string, string>();
  private running: Promise<void> | undefined;

  constructor(deps: FlagKeeperDeps) {
    this.deps = deps;
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the keeper of flags is stopped'));
    await this.running;
  }

  async round(): Promise<void> {
    const { directory } = this.deps;
    if (this.queue.length === 0) this.queue = directory.all().filter((id) => isHeldBack(directory.get(id)?.record));
    for (const id of this.queue.splice(0, A_ROUND)) {
      this.stopping.signal.throwIfAborted();
      await this.keep(id);
    }
    if (this.others.length === 0) this.others = directory.all().filter((id) => isLetThrough(directory.get(id)?.record));
    for (const id of this.others.splice(0, A_ROUND)) {
      this.stopping.signal.throwIfAborted();
      await this.lookAfter(id);
    }
  }

  /** In the same order, for the same reason. */
  private async lookAfter(id: string): Promise<void> {
    const { nats, jobs, store, directory, ambient } = this.deps;
    const entry = await nats.config.get(tenantFlagsKey(id));
    if (!entry?.value.paused) {
      this.contrary.delete(id);
      return directory.heldBackAstray(id, null);
    }
    if (!this.stands(id, entry.kvRevision) || directory.get(id)?.strayPause) return;
    if ((await jobs.active()).some(({ tenantId }) => tenantId === id)) return;
    const record = await store.find(id);
    if (!isLetThrough(record ?? undefined)) return;
    directory.heldBackAstray(id, { reason: entry.value.reason, since: ambient.now() });
  }

  /**
   * The order decides: the entry first, then whether a job is at it, then the record. A job that ended before has its
   * record written; one that began after has the entry changed, and the swap fails.
   */
  private async keep(id: string): Promise<void> {
    const { nats, jobs, store, serving, audit } = this.deps;
    const key = tenantFlagsKey(id);
    const entry = await nats.config.get(key);
    if (entry?.value.paused) return void this.contrary.delete(id);
    if (entry && !this.stands(id, entry.kvRevision)) return;
    const held = await serving.flagsHeld(id);
    if ((await jobs.active()).some(({ tenantId }) => tenantId === id)) return;
    const record = await store.find(id);
    if (!record || !isHeldBack(record)) return void this.contrary.delete(id);
    const revision = Math.max(entry?.value.revision ?? 0, held) + 1;
    const reason = reasonOf(record);
    const was = entry ? `it let the tenant through at revision ${entry.value.revision}` : 'there was none to be read';
    const attempt = `${entry?.kvRevision ?? 0}/${revision}`;
    if (this.tried.get(id) !== attempt) await audit.append(putBack(id, record, revision, was));
    this.tried.set(id, attempt);
    await nats.config.put(key, { paused: true, reason, revision }, entry?.kvRevision ?? 0);
    this.tried.delete(id);
  }

  private stands(id: string, kvRevision: number): boolean {
    const now = this.deps.ambient.monotonic();
    const known = this.contrary.get(id);
    if (known?.kvRevision === kvRevision) return now - known.since > STANDS_MS;
    this.contrary.set(id, { kvRevision, since: now });
    return false;
  }

  private run(): Promise<void> {
    const { ambient, logger } = this.deps;
    const failed = (err: unknown): void =>
      logger.warn({ err }, 'the flags of tenants that are held back could not be looked after');
    return every(ambient, EVERY_MS, this.stopping.signal, () => this.round(), failed);
  }
}

const putBack = (
  id: string,
  record: TenantRecord,
  revision: number,
  was: string,
): Parameters<AuditLog['append']>[0] => ({
  code: 'flag.put_back',
  action: record.archived ? 'tenants.archive' : 'tenants.pause',
  actor: 'system:control-plane',
  resource: `tenant:${id}`,
  tenantId: id,
  outcome: 'requested',
  reason: reasonOf(record),
  jobId: record.job_id,
  after: { paused: true, revision, detail: `the published flag was not as recorded: ${was}` },
});
const reasonOf = (record: TenantRecord): string => record.paused?.reason ?? 'archived';

const isLetThrough = (record: TenantRecord | undefined): boolean =>
  record !== undefined && record.phase !== 'provisioning' && !isHeldBack(record);
const isHeldBack = (record: TenantRecord | undefined): boolean =>
  record !== undefined && record.phase !== 'provisioning' && (record.paused !== null || record.archived !== null);
