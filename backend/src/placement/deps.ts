/** What the jobs of this feature stand on, put together once in index.ts. */
import type { Logger } from 'pino';
import type { JobReader } from '../jobs/job-reader.ts';
import type { Ambient } from '../ambient.ts';
import type { NodeMetrics } from '../node-metrics/index.ts';
import type { NatsPort } from '../ports/nats/index.ts';
import type { NodesPort } from '../ports/nodes/index.ts';
import type { DrainOrders } from './drain-orders.ts';
import type { DriftSurveyor } from './drift-survey.ts';
import type { PlacementMetrics } from './metrics.ts';
import type { NodeWatch } from './node-watch.ts';
import type { PlacementBook } from './placement-book.ts';
import type { PlacementMirror } from './placement-mirror.ts';
import type { PlacementStore } from './placement.store.ts';
import type { TenantSight } from './placement.ts';
import type { Publication } from './publication.ts';

export interface PlacementDeps {
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly nats: NatsPort;
  readonly nodes: NodesPort;
  readonly jobs: JobReader;
  readonly store: PlacementStore;
  readonly mirror: PlacementMirror;
  readonly book: PlacementBook;
  readonly publication: Publication;
  readonly watch: NodeWatch;
  readonly drift: DriftSurveyor;
  readonly drains: DrainOrders;
  readonly traffic: Pick<NodeMetrics, 'measure' | 'flowOf'>;
  readonly metrics: PlacementMetrics;
  /** Placement comes from a static file: nothing can be moved. */
  readonly readOnly: boolean;
  /** Null when there is no such tenant. */
  tenantState: TenantsSight['stateOf'];
  lagOf: TenantsSight['lagOf'];
  stateSeen: TenantsSight['stateSeen'];
}

/** What placement asks of tenants; bound late, because they stand on placement. */
export interface TenantsSight {
  /** Null when there is no such tenant. */
  stateOf(tenantId: string): Promise<TenantSight | null>;
  /** As the lists show it, without a read: for plans about thousands. Null where it is not known. */
  stateSeen(tenantId: string): string | null;
  /** Events behind, as sampled last; null before the first sample. */
  lagOf(tenantId: string): { readonly events: number | null } | null;
}
