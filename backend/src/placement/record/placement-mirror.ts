/** A checked copy of every placement in memory: counts, pages and drift cost no query at 30 000 placements. */
import type { Logger } from 'pino';
import type { Placement } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { CheckedCopy } from '../../copies/index.ts';
import { createCollectionSource } from '../../ports/mongo/collection-source.ts';
import { placementFault, type PlacementRecord } from './stored-placement.ts';
import { placementOf, type PlacementStore } from './placement.store.ts';

export class PlacementMirror {
  readonly copy: CheckedCopy<PlacementRecord>;
  private sorted: Placement[] | undefined;

  constructor({ placements: collection }: Pick<PlacementStore, 'placements'>, ambient: Ambient, logger: Logger) {
    this.copy = new CheckedCopy<PlacementRecord>({
      name: 'placements',
      source: createCollectionSource({ collection, ambient, windowBy: 'tenant_id' }),
      ambient,
      logger,
      fault: placementFault,
      apply: () => void (this.sorted = undefined),
    });
  }

  /** Every placement, by tenant, then by kind. */
  async placements(): Promise<readonly Placement[]> {
    await this.copy.current();
    this.sorted ??= [...this.copy.values()].flatMap((record) => placementOf(record) ?? []).sort(byTenantAndKind);
    return this.sorted;
  }

  /** A committed write of this process. */
  apply(record: PlacementRecord): void {
    this.copy.put(record._id, record);
  }

  start(): void {
    this.copy.start();
  }

  stop(): Promise<void> {
    return this.copy.stop();
  }
}

/** A space sorts before every character of an id, so placements sort as tenants do, then as kinds do. */
export const positionOf = ({ tenant_id, kind }: Placement): string => `${tenant_id} ${kind}`;
const byTenantAndKind = (a: Placement, b: Placement): number => (positionOf(a) < positionOf(b) ? -1 : 1);
