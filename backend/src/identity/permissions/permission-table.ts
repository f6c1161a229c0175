/** Assignments compiled to bit masks: one map lookup and two ANDs decide whether a principal may. */
import { PERMISSIONS, ROLE_TEMPLATES, type Assignment, type Permission, type RoleName } from '@cloudlysis/contract';
import { tierOf } from './tier.ts';

/** Where a permission is asked for: on the platform, on one tenant, or in any scope at all. */
export type AskedScope = 'platform' | 'any' | { readonly tenantId: string };

export interface Verdict {
  readonly allowed: boolean;
  /** Why not; null where allowed. */
  readonly reason: string | null;
}

/** Permissions as bits. Two integers of 30 bits: V8 keeps them as small integers, which a BigInt or a 40-bit number is not. */
interface Mask {
  low: number;
  high: number;
}

/** What one principal holds. */
export interface Grants {
  readonly platform: Mask;
  readonly tenants: ReadonlyMap<string, Mask> | null;
  /** Union of all scopes. */
  readonly any: Mask;
}

const HALF = 30;
const BIT = new Map<string, { readonly low: number; readonly high: number }>(
  PERMISSIONS.map((permission, index) => [
    permission,
    index < HALF ? { low: 1 << index, high: 0 } : { low: 0, high: 1 << (index - HALF) },
  ]),
);
if (PERMISSIONS.length > 2 * HALF) throw new Error('More permissions than bits: add a third integer to Mask');

const ROLE_MASK = Object.fromEntries(
  Object.entries(ROLE_TEMPLATES).map(([role, permissions]) => [
    role,
    permissions.reduce((mask, permission) => add(mask, BIT.get(permission)!), none()),
  ]),
) as Record<RoleName, Mask>;

const ALLOWED: Verdict = { allowed: true, reason: null };

function none(): Mask {
  return { low: 0, high: 0 };
}

function add(mask: Mask, more: Mask): Mask {
  mask.low |= more.low;
  mask.high |= more.high;
  return mask;
}

const holdsIn = (assigned: string, environment: string): boolean =>
  assigned === environment || assigned === tierOf(environment);

/** What a set of assignments of one principal amounts to in `environment`; null when nothing of it holds here. */
export function compileGrants(assignments: readonly Assignment[], environment: string): Grants | null {
  const platform = none();
  const any = none();
  let tenants: Map<string, Mask> | null = null;
  for (const { role, scope } of assignments) {
    const mask = ROLE_MASK[role];
    if (scope.kind === 'environment' && !holdsIn(scope.environment, environment)) continue;
    add(any, mask);
    if (scope.kind !== 'tenant') {
      add(platform, mask);
      continue;
    }
    tenants ??= new Map();
    const held = tenants.get(scope.tenant_id);
    if (held) add(held, mask);
    else tenants.set(scope.tenant_id, add(none(), mask));
  }
  return any.low === 0 && any.high === 0 ? null : { platform, tenants, any };
}

export function decide(grants: Grants | null | undefined, permission: Permission, scope: AskedScope): Verdict {
  const bit = BIT.get(permission);
  if (grants && bit) {
    if (has(scope === 'any' ? grants.any : grants.platform, bit)) return ALLOWED;
    if (typeof scope === 'object') {
      const held = grants.tenants?.get(scope.tenantId);
      if (held && has(held, bit)) return ALLOWED;
    }
  }
  return { allowed: false, reason: missing(permission, scope) };
}

const has = (mask: Mask, bit: Mask): boolean => (mask.low & bit.low) !== 0 || (mask.high & bit.high) !== 0;

function missing(permission: string, scope: AskedScope): string {
  if (scope === 'any') return `${permission} is missing in every scope`;
  return scope === 'platform'
    ? `${permission} is missing globally`
    : `${permission} is missing on tenant ${scope.tenantId.slice(0, 64)}`;
}

/** Grants are replaced as a whole, so what was found out about them holds for as long as they do. */
const found = new WeakMap<Grants, Map<string, 'all' | ReadonlySet<string>>>();

/** Tenants on which the permission is held; `all` when it holds on the platform. The same set until the grants change. */
export function tenantsWith(grants: Grants | null | undefined, permission: Permission): 'all' | ReadonlySet<string> {
  const bit = BIT.get(permission);
  if (!grants || !bit) return new Set();
  if (has(grants.platform, bit)) return 'all';
  const known = found.get(grants) ?? new Map<string, 'all' | ReadonlySet<string>>();
  found.set(grants, known);
  let tenants = known.get(permission);
  if (!tenants) {
    const held = [...(grants.tenants ?? [])].flatMap(([tenantId, mask]) => (has(mask, bit) ? [tenantId] : []));
    known.set(permission, (tenants = new Set(held)));
  }
  return tenants;
}
