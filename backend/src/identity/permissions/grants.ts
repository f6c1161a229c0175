/** What one principal's assignments amount to, as bit masks by place. */
import {
  PERMISSIONS,
  ROLE_TEMPLATES,
  type Assignment,
  type RoleName,
  type Scope,
  type Tier,
} from '@cloudlysis/contract';
import { ALL_TENANTS, environmentAt, EVERYWHERE, placeOf, type ScopeNumbers } from './scope-numbers.ts';

/** An environment this control plane operates; null where nobody knows what it is for, and no tier reaches it. */
export interface TieredEnvironment {
  readonly id: string;
  readonly tier: Tier | null;
}

/** Permissions as bits. Two integers of 30 bits: V8 keeps them as small integers, which a BigInt or a 40-bit number is not. */
export interface Mask {
  low: number;
  high: number;
}

/** What one principal holds; itself what is held globally. */
export interface Grants extends Mask {
  /** Sorted by place; three numbers each: place, low and high. */
  readonly rows: readonly number[];
  /** Union of all scopes. */
  readonly all: Mask;
}

const HALF = 30;
export const BIT: ReadonlyMap<string, Readonly<Mask>> = new Map(
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

export const has = (mask: Mask, bit: Mask): boolean => (mask.low & bit.low) !== 0 || (mask.high & bit.high) !== 0;

function none(): Mask {
  return { low: 0, high: 0 };
}

function add<M extends Mask>(mask: M, more: Mask): M {
  mask.low |= more.low;
  mask.high |= more.high;
  return mask;
}

/** What a set of assignments of one principal amounts to; null when it is empty. */
export function compileGrants(
  assignments: readonly Assignment[],
  environments: readonly TieredEnvironment[],
  numbers: ScopeNumbers,
): Grants | null {
  if (assignments.length === 0) return null;
  const held = new Map<number, Mask>();
  const all = none();
  for (const { role, scope } of assignments) {
    add(all, ROLE_MASK[role]);
    for (const place of placesOf(scope, environments, numbers))
      held.set(place, add(held.get(place) ?? none(), ROLE_MASK[role]));
  }
  const { low, high } = held.get(GLOBAL) ?? none();
  held.delete(GLOBAL);
  return { low, high, rows: rowsOf(held), all };
}

function rowsOf(held: ReadonlyMap<number, Mask>): number[] {
  const rows: number[] = [];
  for (const [place, mask] of [...held].sort(([a], [b]) => a - b)) rows.push(place, mask.low, mask.high);
  // Without the room it grew with.
  return rows.slice();
}

const GLOBAL = placeOf(EVERYWHERE, ALL_TENANTS);

/** A tier holds in its environments. */
function placesOf(scope: Scope, environments: readonly TieredEnvironment[], numbers: ScopeNumbers): number[] {
  switch (scope.kind) {
    case 'global':
      return [GLOBAL];
    case 'tier':
      return environments.flatMap(({ id, tier }) => (tier === scope.tier ? numbers.number(id, null) : []));
    case 'environment':
      return [numbers.number(scope.environment, null)];
    case 'tenant':
      return [numbers.number(null, scope.tenant_id)];
    case 'tenant-in-environment':
      return [numbers.number(scope.environment, scope.tenant_id)];
    default:
      throw new Error(`A scope of an unknown kind grants nothing: ${(scope satisfies never as { kind: string }).kind}`);
  }
}

/** Whether a row holds the permission; a few are looked through about as quickly as one is found. */
export function holdsAt(rows: readonly number[], place: number, bit: Mask): boolean {
  let low = 0;
  let high = ((rows.length / 3) | 0) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = 3 * middle;
    if (rows[at] === place) return rowHas(rows, at, bit);
    if (rows[at]! < place) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

export const rowHas = (rows: readonly number[], at: number, bit: Mask): boolean =>
  (rows[at + 1]! & bit.low) !== 0 || (rows[at + 2]! & bit.high) !== 0;

/** Places where rows of an environment begin: those of all environments, and those of its own. */
export function* rowsIn({ rows }: Grants, environment: number): Generator<number> {
  for (let at = 0; at < rows.length; at += 3) {
    const one = environmentAt(rows[at]!);
    if (one === EVERYWHERE || one === environment) yield at;
  }
}
