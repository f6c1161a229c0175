/** A tenant as the directory holds it: the record, what was seen around it, and what is computed from both. */
import type { Placement } from '@cloudlysis/contract';
import type { Status, StrayPause } from './tenant-status.ts';
import type { StillTenant } from './tenant-view.ts';
import type { TenantRecord } from './tenants.ts';

export interface Entry {
  record: TenantRecord;
  placements: readonly Placement[] | null;
  status: Status;
  /** When the last trouble that was seen here ended. */
  calmSince: Date | null;
  strayPause: StrayPause | null;
  /** Id and name as searches compare them. */
  haystack: string;
  /** Traffic is not part of it: that changes for all at once. */
  wire: StillTenant | null;
  /** Place by the time of the last change. */
  updatedKey: string;
}
