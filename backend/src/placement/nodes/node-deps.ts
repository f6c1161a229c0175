/** What asking and telling nodes stands on. */
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import type { NodesPort } from '../../ports/nodes/index.ts';
import type { DrainOrders } from '../record/drain-orders.ts';
import type { NodeWatch } from './node-watch.ts';
import type { PlacementStore } from '../record/placement.store.ts';

export interface NodeDeps {
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly nodes: NodesPort;
  readonly store: PlacementStore;
  readonly watch: NodeWatch;
  readonly drains: DrainOrders;
}
