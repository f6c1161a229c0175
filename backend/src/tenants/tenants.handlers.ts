/** Reads: the list from memory in a few milliseconds, one tenant from MongoDB with fresh facts. */
import type { Placement, Tenant, TenantTraffic } from '@cloudlysis/contract';
import type { ReadHandlers } from '../call/call.ts';
import type { ActiveJob, JobReader } from '../jobs/record/job-reader.ts';
import type { PlacementBook } from '../placement/record/placement-book.ts';
import { unreadableOf } from '../kernel/bad-records.ts';
import type { Ambient } from '../kernel/ambient.ts';
import type { Visible } from '../call/principal.ts';
import type { Directory, TenantPage } from './directory/directory.ts';
import type { Observer } from './nodes/observer.ts';
import { laneOf } from './jobs/preflight-checks.ts';
import type { TenantHealth } from './nodes/tenant-health.ts';
import type { RecordFeed } from './directory/record-feed.ts';
import { computeStatus, type Status } from './directory/tenant-status.ts';
import { inOrder, inOutline, toWire } from './directory/tenant-view.ts';
import type { TenantRecord } from './directory/tenants.ts';
import type { TenantStore } from './directory/tenants.store.ts';

export interface TenantReads {
  readonly reads: ReadHandlers<'tenants.list' | 'tenants.get' | 'tenants.health'>;
  /** Computed now; null when there is no such tenant. `except`: a job that is not to be counted as active. */
  stateOf(tenantId: string, except?: string | null): Promise<Status | null>;
}

export interface TenantReadsDeps {
  readonly store: TenantStore;
  readonly directory: Directory;
  readonly feed: RecordFeed;
  readonly observer: Observer;
  readonly jobs: JobReader;
  readonly placement: PlacementBook;
  readonly ambient: Ambient;
  readonly health: TenantHealth;
  readonly environment: string;
  trafficOf(tenantId: string): TenantTraffic;
}

export function createTenantReads(deps: TenantReadsDeps): TenantReads {
  const { store, directory, feed, observer, jobs, placement, ambient, health, environment, trafficOf } = deps;

  /** What is learnt on the way goes into the directory, so that the list agrees with what was just shown. */
  async function judged(record: TenantRecord, except: string | null): Promise<[Status, readonly Placement[]]> {
    const [placed, activeJob, lags] = await Promise.all([
      placement.of(record._id),
      jobs.holderOf(laneOf(record._id), except),
      observer.lagsOf(record._id),
    ]);
    const placements = inOrder(placed);
    directory.place(record._id, placements);
    const { calmSince = null, strayPause = null } = directory.get(record._id) ?? {};
    const facts = { activeJob: activeJob as ActiveJob | null, placements, reports: observer.findings(), lags };
    return [computeStatus(record, { ...facts, calmSince, strayPause, now: ambient.now() }), placements];
  }

  /** In the first seconds of a replica placements are not all read yet: those of this page are, in one query. */
  async function placeUnknown({ items }: TenantPage): Promise<boolean> {
    const unknown = items.filter(({ tenant_id }) => directory.get(tenant_id)?.placements === null);
    if (unknown.length === 0) return false;
    const read = unknown.map(async ({ tenant_id }) =>
      directory.place(tenant_id, inOrder(await placement.of(tenant_id))),
    );
    return (await Promise.allSettled(read)).some(({ status }) => status === 'fulfilled');
  }

  async function get(tenantId: string, visible: Visible): Promise<Tenant> {
    const record = (await feed.find(tenantId)) ?? (await store.get(tenantId));
    const [status, placements] = await judged(record, null);
    const tenant = { ...toWire(record, status, placements, environment), traffic: trafficOf(tenantId) };
    return visible === 'all' ? tenant : inOutline(tenant, status);
  }

  return {
    reads: {
      'tenants.list': async ({ query, visible }) => {
        await feed.current();
        await observer.refreshJobs();
        const page = directory.page(query, visible);
        const placed = (await placeUnknown(page)) ? directory.page(query, visible) : page;
        return { ...placed, unreadable: unreadableOf(feed.unreadable()) };
      },
      'tenants.get': ({ params, visible }) => get(params.tenant_id, visible),
      'tenants.health': async ({ params, signal }) => {
        await store.get(params.tenant_id);
        return { nodes: await health.of(params.tenant_id, signal) };
      },
    },
    async stateOf(tenantId, except = null) {
      const record = await feed.find(tenantId);
      return record && (await judged(record, except))[0];
    },
  };
}
