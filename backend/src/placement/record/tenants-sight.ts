/** What placement asks of tenants, whose records it does not know. */

/** Events behind, above which a tenant is degraded, its services cross a threshold, and it is not moved unless told otherwise. */
export const LAG_LIMIT = 5_000;

export interface TenantSight {
  readonly state: string;
  readonly reason: string;
  /** In its place for those who may see some tenants only. */
  readonly outline?: string;
}

export interface TenantsSight {
  /** Null when there is no such tenant. */
  stateOf(tenantId: string): Promise<TenantSight | null>;
  /** As the lists show it, without a read: for plans about thousands. Null where it is not known. */
  stateSeen(tenantId: string): string | null;
  /** Events behind, as sampled last; null before the first sample. */
  lagOf(tenantId: string): { readonly events: number | null } | null;
}
