/**
 * All tenants in memory, sorted by id, each with its status: what lists are answered from.
 *
 * 10 000 tenants take about 30 MB. A page is a binary search for its start and a walk to its end, so the last page costs
 * what the first one does; a filter is a comparison per tenant.
 */
import { folded, type Placement, type Tenant, type TenantTraffic } from '@cloudlysis/contract';
import type { ActiveJob } from '../../jobs/record/job-reader.ts';
import { encodeCursor } from '../../kernel/paging.ts';
import type { Visible } from '../../call/principal.ts';
import { changedNodes, type NodeFindings } from './node-findings.ts';
import { computeStatus, type LagFinding, type StrayPause } from './tenant-status.ts';
import { SortedKeys } from './sorted-keys.ts';
import { fitting, idIn, positionOf, updatedKeyOf, type TenantFilter, type TenantQuery } from './tenant-query.ts';
import { inOutline, toWire, UNKNOWN_TRAFFIC } from './tenant-view.ts';
import type { TenantRecord } from './tenants.ts';
import type { Entry } from './directory-entry.ts';

export interface TenantPage {
  readonly items: Tenant[];
  readonly next_cursor: string | null;
  /** Tenants that match, on all pages. */
  readonly total: number;
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

const TROUBLED: ReadonlySet<string> = new Set(['draining', 'migrating', 'degraded']);
/** Tenants judged in each round without a cause: 10 000 are through in under two minutes. */
const IN_TURN = 200;
const NOTHING: readonly LagFinding[] = [];

export class Directory {
  private readonly entries = new Map<string, Entry>();
  private readonly byId = new SortedKeys();
  private readonly byUpdate = new SortedKeys();
  private readonly environment: string;
  private readonly trafficOf: (tenantId: string) => TenantTraffic;
  private seen: Observations;
  private turn = 0;

  constructor(environment: string, now: Date, trafficOf: (tenantId: string) => TenantTraffic = () => UNKNOWN_TRAFFIC) {
    this.environment = environment;
    this.trafficOf = trafficOf;
    this.seen = { now, jobs: new Map(), reports: new Map(), lags: new Map() };
  }

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Entry | undefined {
    return this.entries.get(id);
  }

  /** Ids in order; not to be changed. */
  all(): readonly string[] {
    return this.byId.all();
  }

  observations(): Observations {
    return this.seen;
  }

  /** How many of the tenants a caller may see are in each state. */
  counts(visible: Visible = 'all'): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { status } of this.seenBy(visible)) counts.set(status.state, (counts.get(status.state) ?? 0) + 1);
    return counts;
  }

  /** Entries a caller may see, in no order. */
  *seenBy(visible: Visible): Generator<Entry> {
    if (visible === 'all') return yield* this.entries.values();
    for (const id of visible) {
      const entry = this.entries.get(id);
      if (entry) yield entry;
    }
  }

  /** Takes a record as it is stored now; a restored one may be older than what was here. */
  put(record: TenantRecord): void {
    const known = this.entries.get(record._id);
    const haystack = `${record._id}
${folded(record.metadata.name)}`;
    const updatedKey = updatedKeyOf(record);
    if (known && known.updatedKey !== updatedKey) this.byUpdate.delete(known.updatedKey);
    // Of another record; whoever looks after the flags looks again.
    const strayPause = known?.record.version === record.version ? known.strayPause : null;
    const now = { record, haystack, updatedKey, wire: null, strayPause };
    if (known) Object.assign(known, now);
    else {
      const status = { state: 'active', reason: '', since: record.created_at } as const;
      this.entries.set(record._id, { ...now, status, placements: null, calmSince: null });
      this.byId.add(record._id);
    }
    this.byUpdate.add(updatedKey);
    this.judge(this.entries.get(record._id)!);
  }

  /** Whether a flag holds the tenant back against its record; null when it does not. */
  heldBackAstray(id: string, by: StrayPause | null): void {
    const entry = this.entries.get(id);
    if (!entry || (entry.strayPause === null && by === null)) return;
    entry.strayPause = by;
    this.judge(entry);
  }

  remove(id: string): void {
    const entry = this.entries.get(id);
    if (!entry) return;
    this.entries.delete(id);
    this.byId.delete(id);
    this.byUpdate.delete(entry.updatedKey);
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
    const ids = this.byId.all();
    for (let count = Math.min(IN_TURN, ids.length); count > 0; count -= 1) {
      this.turn = (this.turn + 1) % ids.length;
      this.judge(this.entries.get(ids[this.turn]!)!);
    }
  }

  page({ cursor, limit, sort = 'tenant_id', ...filter }: TenantQuery, visible: Visible): TenantPage {
    const fits = fitting(filter, visible);
    const byUpdate = sort.endsWith('updated_at');
    const from = cursor === undefined ? undefined : positionOf(cursor, sort);
    const items: Tenant[] = [];
    let last = '';
    let isMore = false;
    for (const key of (byUpdate ? this.byUpdate : this.byId).walk(from, sort.startsWith('-'))) {
      const entry = this.entries.get(byUpdate ? idIn(key) : key)!;
      if (!fits(entry)) continue;
      isMore = items.length === limit;
      if (isMore) break;
      const tenant = this.toTenant(entry);
      items.push(visible === 'all' ? tenant : inOutline(tenant, entry.status));
      last = key;
    }
    return { items, next_cursor: isMore ? encodeCursor(last) : null, total: this.count(filter, fits, visible) };
  }

  toTenant(entry: Entry): Tenant {
    entry.wire ??= toWire(entry.record, entry.status, entry.placements ?? [], this.environment);
    return { ...entry.wire, traffic: this.trafficOf(entry.record._id) };
  }

  /** A comparison per tenant, and none where nothing is asked for: 10 000 are counted in about 1 ms. */
  private count(filter: TenantFilter, fits: (entry: Entry) => boolean, visible: Visible): number {
    if (visible === 'all' && Object.values(filter).every((value) => value === undefined)) return this.size;
    let total = 0;
    for (const entry of this.seenBy(visible)) if (fits(entry)) total += 1;
    return total;
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
      strayPause: entry.strayPause,
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

const same = (a: readonly Placement[] | null, b: readonly Placement[]): boolean =>
  a !== null &&
  a.length === b.length &&
  a.every((at, index) => {
    const other = b[index]!;
    return at.kind === other.kind && at.shard_id === other.shard_id && at.revision === other.revision;
  });
