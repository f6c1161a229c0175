/** Decides by compiled grants: a number for the environment, one for the tenant, and two ANDs each where they meet. */
import type { Permission } from '@cloudlysis/contract';
import type { Visible, VisibleByEnvironment } from '../../call/principal.ts';
import { BIT, has, holdsAt, rowHas, rowsIn, type Grants, type Mask, type TieredEnvironment } from './grants.ts';
import { ALL_TENANTS, EVERYWHERE, placeOf, tenantAt, type ScopeNumbers } from './scope-numbers.ts';

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

/** `bound`: the one environment in which these rights have effect; null where they have it everywhere. */
export function decide(
  grants: Grants | null | undefined,
  permission: Permission,
  scope: AskedScope,
  bound: string | null,
  numbers: ScopeNumbers,
): Verdict {
  const bit = BIT.get(permission);
  if (bit && grants && holds(grants, bit, scope, bound, numbers)) return ALLOWED;
  return { allowed: false, reason: missing(permission, scope, bound) };
}

function holds(grants: Grants, bit: Mask, scope: AskedScope, bound: string | null, numbers: ScopeNumbers): boolean {
  if (scope === 'any')
    return bound === null ? has(grants.all, bit) : holdsWithin(grants, bit, numbers.environment(bound));
  if (bound !== null && bound !== environmentOf(scope)) return false;
  if (has(grants, bit)) return true;
  const { rows } = grants;
  if (scope === 'platform' || rows.length === 0) return false;
  if ('within' in scope) return holdsWithin(grants, bit, numbers.environment(scope.within));
  const environment = numbers.environment(scope.environment);
  if (environment !== EVERYWHERE && holdsAt(rows, placeOf(environment, ALL_TENANTS), bit)) return true;
  const tenant = numbers.tenant(scope.tenantId);
  if (tenant === undefined) return false;
  return (
    holdsAt(rows, placeOf(EVERYWHERE, tenant), bit) ||
    (environment !== EVERYWHERE && holdsAt(rows, placeOf(environment, tenant), bit))
  );
}

/** On all of an environment, or on any tenant there. */
function holdsWithin(grants: Grants, bit: Mask, environment: number): boolean {
  if (has(grants, bit)) return true;
  if (!has(grants.all, bit)) return false;
  for (const at of rowsIn(grants, environment)) if (rowHas(grants.rows, at, bit)) return true;
  return false;
}

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

/** Grants are replaced as a whole, so what was found out about them holds for as long as they do. */
const found = new WeakMap<Grants, Map<string, Visible | ReadonlyMap<string | null, Visible>>>();

function once<T extends Visible | ReadonlyMap<string | null, Visible>>(grants: Grants, key: string, find: () => T): T {
  const known = found.get(grants) ?? new Map<string, T>();
  found.set(grants, known);
  let value = known.get(key) as T | undefined;
  if (value === undefined) known.set(key, (value = find()));
  return value;
}

/** Tenants of an environment on which the permission is held; `all` when it holds on all of it. The same set until the grants change. */
export function tenantsWith(
  grants: Grants | null | undefined,
  permission: Permission,
  environment: string,
  bound: string | null,
  numbers: ScopeNumbers,
): Visible {
  const bit = BIT.get(permission);
  if (!grants || !bit || (bound !== null && bound !== environment)) return NO_TENANTS;
  return tenantsIn(grants, permission, bit, numbers.environment(environment), numbers);
}

function tenantsIn(grants: Grants, permission: string, bit: Mask, environment: number, numbers: ScopeNumbers): Visible {
  if (has(grants, bit)) return 'all';
  if (!has(grants.all, bit)) return NO_TENANTS;
  // By its number: an id that somebody made up has none of its own, and cannot fill the memory.
  return once(grants, `${permission} ${environment}`, () => {
    if (holdsAt(grants.rows, placeOf(environment, ALL_TENANTS), bit)) return 'all';
    const rows = [...rowsIn(grants, environment)].filter((at) => rowHas(grants.rows, at, bit));
    if (rows.length === 0) return NO_TENANTS;
    return new Set(rows.map((at) => numbers.tenantName(tenantAt(grants.rows[at]!))));
  });
}

/** The same over all environments: `all` when it holds globally. The same map until the grants change. */
export function tenantsWithEverywhere(
  grants: Grants | null | undefined,
  permission: Permission,
  environments: readonly TieredEnvironment[],
  bound: string | null,
  numbers: ScopeNumbers,
): VisibleByEnvironment {
  const bit = BIT.get(permission);
  if (!grants || !bit) return NOWHERE;
  if (bound === null && has(grants, bit)) return 'all';
  return once(grants, `${permission} over all, of ${bound ?? 'all'}`, () => {
    const inEach = environments.map(({ id }) => [id, tenantsWith(grants, permission, id, bound, numbers)] as const);
    const ofNone = bound === null ? tenantsIn(grants, permission, bit, EVERYWHERE, numbers) : NO_TENANTS;
    return new Map([...inEach, [null, ofNone] as const].filter(([, visible]) => visible !== NO_TENANTS));
  });
}
