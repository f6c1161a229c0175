/** What the jobs that move tenants and change shards stand on, put together once in index.ts. */
import type { RepairDeps } from '../drift/drift-repair.job.ts';
import type { PlacementMetrics } from './metrics.ts';
import type { PlacementMirror } from '../record/placement-mirror.ts';
import type { TenantsSight } from '../record/tenants-sight.ts';

export interface PlacementDeps extends RepairDeps {
  readonly mirror: PlacementMirror;
  readonly metrics: PlacementMetrics;
  /** Null when there is no such tenant. */
  readonly tenantState: TenantsSight['stateOf'];
  readonly stateSeen: TenantsSight['stateSeen'];
}
