/** Decides by compiled grants: a map lookup for the environment, one for the tenant, and two ANDs each. */
import type { Permission } from '@cloudlysis/contract';
import type { Visible, VisibleByEnvironment } from '../../call/principal.ts';
import { BIT, has, type Grants, type Mask, type Place, type TieredEnvironment } from './grants.ts';

/**
 * Where a permission is asked for.
 * - `any`: in any scope at all; `{ within }`: in an environment, or on any tenant there.
 * - `platform`: globally, and only so. An object that names nothing is asked the same.
 * - `{ environment }`: globally, for its tier, or for it; with a tenant, on that one everywhere or there, too.
 * - `{ tenantId }`: on the tenant in every environment: a right in one of them is not enough.
 */
export type AskedScope =
  'any' | 'platform' | { readonly within: string } | { readonly environment?: string; readonly tenantId?: string };

export interface Verdict {
  readonly allowed: boolean;
  /** Why not; null where allowed. */
  readonly reason: string | null;
}

export const ALLOWED: Verdict = { allowed: true, reason: null };
export const NO_TENANTS: ReadonlySet<string> = new Set();
const NOWHERE: ReadonlyMap<string | null, Visible> = new Map();

/** `bound`: the one environment in which this caller's rights have effect; null where they have it everywhere. */
export function decide(
  grants: Grants | null | undefined,
  permission: Permission,
  scope: AskedScope,
  bound: string | null,
): Verdict {
  const bit = BIT.get(permission);
  if (bit && grants && holds(grants, bit, scope, bound)) return ALLOWED;
  return { allowed: false, reason: missing(permission, scope, bound) };
}

function holds(grants: Grants, bit: Mask, scope: AskedScope, bound: string | null): boolean {
  if (scope === 'any') return has(bound === null ? grants.any : placeOf(grants, bound).any, bit);
  if (bound !== null && bound !== environmentOf(scope)) return false;
  if (scope === 'platform') return has(grants.everywhere.mask, bit);
  if ('within' in scope) return has(placeOf(grants, scope.within).any, bit);
  const { environment, tenantId } = scope;
  const place = environment === undefined ? grants.everywhere : placeOf(grants, environment);
  if (has(place.mask, bit)) return true;
  const held = tenantId === undefined ? undefined : place.tenants?.get(tenantId);
  return held !== undefined && has(held, bit);
}

const placeOf = ({ places, everywhere }: Grants, environment: string): Place => places?.get(environment) ?? everywhere;

/** The one environment that is asked about; null where it is all of them. */
function environmentOf(scope: Exclude<AskedScope, 'any'>): string | null {
  if (scope === 'platform') return null;
  return 'within' in scope ? scope.within : (scope.environment ?? null);
}

function missing(permission: string, scope: AskedScope, bound: string | null): string {
  if (scope !== 'any' && bound !== null && bound !== environmentOf(scope))
    return `${permission} is asked for ${worded(scope)}, and this token is of environment ${short(bound)}`;
  return `${permission} is missing ${worded(scope)}`;
}

function worded(scope: AskedScope): string {
  if (scope === 'any') return 'in every scope';
  if (scope === 'platform') return 'globally';
  if ('within' in scope) return `in every scope of environment ${short(scope.within)}`;
  const { environment, tenantId } = scope;
  const where = environment === undefined ? 'globally' : `in environment ${short(environment)}`;
  return tenantId === undefined ? where : `${where} on tenant ${short(tenantId)}`;
}

const short = (id: string): string => id.slice(0, 64);

/** Grants are replaced as a whole, so what was found out about their places holds for as long as they do. */
const found = new WeakMap<Place, Map<string, ReadonlySet<string>>>();

/** Tenants of an environment on which the permission is held; `all` when it holds on all of it. The same set until the grants change. */
export function tenantsWith(
  grants: Grants | null | undefined,
  permission: Permission,
  environment: string,
  bound: string | null,
): Visible {
  const bit = BIT.get(permission);
  if (!grants || !bit || (bound !== null && bound !== environment)) return NO_TENANTS;
  return tenantsOf(placeOf(grants, environment), permission, bit);
}

function tenantsOf(place: Place, permission: Permission, bit: Mask): Visible {
  if (has(place.mask, bit)) return 'all';
  if (!has(place.any, bit)) return NO_TENANTS;
  const known = found.get(place) ?? new Map<string, ReadonlySet<string>>();
  found.set(place, known);
  let tenants = known.get(permission);
  if (!tenants) {
    const held = [...(place.tenants ?? [])].flatMap(([tenantId, mask]) => (has(mask, bit) ? [tenantId] : []));
    known.set(permission, (tenants = new Set(held)));
  }
  return tenants;
}

const foundEverywhere = new WeakMap<Grants, Map<string, ReadonlyMap<string | null, Visible>>>();

/** The same over all environments: `all` when it holds globally. The same map until the grants change. */
export function tenantsWithEverywhere(
  grants: Grants | null | undefined,
  permission: Permission,
  environments: readonly TieredEnvironment[],
  bound: string | null,
): VisibleByEnvironment {
  const bit = BIT.get(permission);
  if (!grants || !bit) return NOWHERE;
  if (bound === null && has(grants.everywhere.mask, bit)) return 'all';
  const known = foundEverywhere.get(grants) ?? new Map<string, ReadonlyMap<string | null, Visible>>();
  foundEverywhere.set(grants, known);
  const key = bound === null ? permission : `${permission} ${bound}`;
  let seen = known.get(key);
  if (!seen) {
    const inEach = environments.map(({ id }) => [id, tenantsWith(grants, permission, id, bound)] as const);
    const ofNone = bound === null ? tenantsOf(grants.everywhere, permission, bit) : NO_TENANTS;
    const places = [...inEach, [null, ofNone] as const];
    known.set(key, (seen = new Map(places.filter(([, visible]) => visible !== NO_TENANTS))));
  }
  return seen;
}
