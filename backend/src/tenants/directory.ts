/**
 * All tenants in memory, sorted by id, each with its status: what lists are answered from.
 *
 * 10 000 tenants take about 30 MB. A page is a binary search for its start and a walk to its end, so the last page costs
 * what the first one does; a filter is a comparison per tenant.
 */
import type { Placement, reads, Tenant } from '@cloudlysis/contract';
import type { Call } from '../call.ts';
import type { ActiveJob } from '../jobs/job-reader.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import type { Visible } from '../principal.ts';
import { changedNodes, type NodeFindings } from './node-findings.ts';
import { computeStatus, type LagFinding, type Status } from './tenant-status.ts';
import { toWire } from './tenant-view.ts';
import type { TenantRecord } from './tenants.ts';

export type TenantQuery = Call<(typeof reads)['tenants.list']>['query'];

export interface TenantPage {
  readonly items: Tenant[];
  readonly next_cursor: string | null;
}

/** What is seen of the world around the records; replaced as a whole. */
export interface Observations {
  readonly now: Date;
  /** By tenant. */
  readonly jobs: ReadonlyMap<string, ActiveJob>;
  readonly reports: NodeFindings;
  /** By tenant; only what is above its limit. */
  readonly lags: ReadonlyMap<string, readonly LagFinding[]>;
}

export interface Entry {
  record: TenantRecord;
  placements: readonly Placement[] | null;
  status: Status;
  /** When the last trouble that was seen here ended. */
  calmSince: Date | null;
  /** Id and name in lower case, for the search. */
  haystack: string;
  wire: Tenant | null;
  /** Count of the last change, so that a full read that began before it does not undo it. */
  touched: number;
}

const TROUBLED: ReadonlySet<string> = new Set(['draining', 'migrating', 'degraded']);
/** Tenants judged in each round without a cause: 10 000 are through in under two minutes. */
const IN_TURN = 200;
const NOTHING: readonly LagFinding[] = [];

export class Directory {
  private readonly entries = new Map<string, Entry>();
  private ids: string[] = [];
  private seen: Observations;
  private changes = 0;
  private turn = 0;

  constructor(now: Date) {
    this.seen = { now, jobs: new Map(), reports: new Map(), lags: new Map() };
  }

  get size(): number {
    return this.ids.length;
  }

  get(id: string): Entry | undefined {
    return this.entries.get(id);
  }

  /** Ids in order; not to be changed. */
  all(): readonly string[] {
    return this.ids;
  }

  observations(): Observations {
    return this.seen;
  }

  /** How many tenants are in each state. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { status } of this.entries.values()) counts.set(status.state, (counts.get(status.state) ?? 0) + 1);
    return counts;
  }

  /** Takes a record unless a newer one is here: changes and full reads arrive in any order. */
  put(record: TenantRecord): void {
    const known = this.entries.get(record._id);
    if (known && known.record.version > record.version && known.record.created_at >= record.created_at) return;
    const haystack = `${record._id}\n${record.metadata.name.toLowerCase()}`;
    this.changes += 1;
    if (known) Object.assign(known, { record, haystack, wire: null, touched: this.changes });
    else {
      const fresh = { record, haystack, placements: null, calmSince: null, wire: null, touched: this.changes };
      this.entries.set(record._id, { ...fresh, status: { state: 'active', reason: '', since: record.created_at } });
      // Appending is the common case, both at the full read and when tenants are added in order.
      if (this.ids.length === 0 || this.ids.at(-1)! < record._id) this.ids.push(record._id);
      else this.ids.splice(after(this.ids, record._id), 0, record._id);
    }
    this.judge(this.entries.get(record._id)!);
  }

  remove(id: string): void {
    if (!this.entries.delete(id)) return;
    this.changes += 1;
    this.ids.splice(after(this.ids, id) - 1, 1);
  }

  /** Counts changes; taken before a full read and handed to `replace`. */
  moment(): number {
    return this.changes;
  }

  /** The result of a full read that began at `moment`; what changed here since then stays as it is. */
  replace(records: readonly TenantRecord[], moment: number): void {
    const found = new Set(records.map(({ _id }) => _id));
    for (const [id, { touched }] of [...this.entries]) if (!found.has(id) && touched <= moment) this.remove(id);
    for (const record of records.toSorted((a, b) => (a._id < b._id ? -1 : 1))) {
      const known = this.entries.get(record._id);
      if (!known || known.touched <= moment) this.put(record);
    }
  }

  place(tenantId: string, placements: readonly Placement[]): void {
    const entry = this.entries.get(tenantId);
    if (!entry || same(entry.placements, placements)) return;
    entry.placements = placements;
    entry.wire = null;
    this.judge(entry);
  }

  /**
   * Judges anew whom the change concerns: the tenants named, those on a node that is not as it was, and some others in
   * turn, for what only time changes. Judging all 10 000 takes 20 to 200 ms, too long to do every 2 s.
   */
  observe(seen: Observations, changed: Iterable<string> = []): void {
    const shards = changedNodes(this.seen.reports, seen.reports);
    this.seen = seen;
    for (const id of changed) {
      const entry = this.entries.get(id);
      if (entry) this.judge(entry);
    }
    if (shards.size > 0) {
      for (const entry of this.entries.values()) {
        if (entry.placements?.some(({ shard_id }) => shards.has(shard_id))) this.judge(entry);
      }
    }
    for (let count = Math.min(IN_TURN, this.ids.length); count > 0; count -= 1) {
      this.turn = (this.turn + 1) % this.ids.length;
      this.judge(this.entries.get(this.ids[this.turn]!)!);
    }
  }

  page({ cursor, limit, ...filter }: TenantQuery, visible: Visible): TenantPage {
    const from = cursor === undefined ? 0 : after(this.ids, decodeCursor(cursor, 'string'));
    const search = filter.search?.toLowerCase();
    const items: Tenant[] = [];
    for (let at = from; at < this.ids.length; at += 1) {
      const id = this.ids[at]!;
      const entry = this.entries.get(id)!;
      if (visible !== 'all' && !visible.has(id)) continue;
      if (!matches(entry, filter, search)) continue;
      if (items.length === limit) return { items, next_cursor: encodeCursor(items.at(-1)!.tenant_id) };
      items.push((entry.wire ??= toWire(entry.record, entry.status, entry.placements ?? [])));
    }
    return { items, next_cursor: null };
  }

  /** Computes one status; a trouble that has ended leaves behind since when it is calm. */
  private judge(entry: Entry): void {
    const { _id } = entry.record;
    const facts = {
      activeJob: this.seen.jobs.get(_id) ?? null,
      placements: entry.placements,
      reports: this.seen.reports,
      lags: this.seen.lags.get(_id) ?? NOTHING,
      calmSince: entry.calmSince,
      now: this.seen.now,
    };
    let status = computeStatus(entry.record, facts);
    if (status.state === 'active' && TROUBLED.has(entry.status.state)) {
      entry.calmSince = this.seen.now;
      status = computeStatus(entry.record, { ...facts, calmSince: this.seen.now });
    }
    const before = entry.status;
    if (status.state === before.state && status.reason === before.reason && +status.since === +before.since) return;
    entry.status = status;
    entry.wire = null;
  }
}

type Filter = Omit<TenantQuery, 'cursor' | 'limit'>;

function matches({ record, status, placements, haystack }: Entry, filter: Filter, search: string | undefined): boolean {
  const { state, plan, environment, shard_id } = filter;
  if (state !== undefined && status.state !== state) return false;
  if (plan !== undefined && record.metadata.plan !== plan) return false;
  if (environment !== undefined && !record.metadata.environments.includes(environment)) return false;
  if (shard_id !== undefined && !placements?.some((at) => at.shard_id === shard_id)) return false;
  return search === undefined || haystack.includes(search);
}

/** Index of the first id after `id`. */
function after(ids: readonly string[], id: string): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

const same = (a: readonly Placement[] | null, b: readonly Placement[]): boolean =>
  a !== null &&
  a.length === b.length &&
  a.every((at, index) => {
    const other = b[index]!;
    return at.kind === other.kind && at.shard_id === other.shard_id && at.revision === other.revision;
  });
