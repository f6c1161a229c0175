/** What one principal's assignments amount to, as bit masks: globally, on tenants everywhere, and in each environment. */
import { PERMISSIONS, ROLE_TEMPLATES, type Assignment, type RoleName, type Tier } from '@cloudlysis/contract';

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

/** What is held in one environment. */
export interface Place {
  /** On all of it. */
  readonly mask: Mask;
  /** On single tenants there. */
  readonly tenants: ReadonlyMap<string, Mask> | null;
  /** Union of both. */
  readonly any: Mask;
}

/** What one principal holds. */
export interface Grants {
  /** In every environment: globally, and on tenants wherever they are. */
  readonly everywhere: Place;
  /** Where more is held than everywhere, what is held everywhere included; configured or not. */
  readonly places: ReadonlyMap<string, Place> | null;
  /** Union of all scopes. */
  readonly any: Mask;
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

function add(mask: Mask, more: Mask): Mask {
  mask.low |= more.low;
  mask.high |= more.high;
  return mask;
}

type Tenants = Map<string, Mask>;

/** A place while it is put together. */
class Draft {
  readonly mask = none();
  tenants: Tenants | null = null;

  on(tenantId: string, mask: Mask): void {
    this.tenants ??= new Map();
    const held = this.tenants.get(tenantId);
    if (held) add(held, mask);
    else this.tenants.set(tenantId, add(none(), mask));
  }

  /** With what is held everywhere; its map of tenants is shared where nothing is added to it. */
  place(everywhere?: Draft): Place {
    if (everywhere) {
      add(this.mask, everywhere.mask);
      if (this.tenants === null) this.tenants = everywhere.tenants;
      else for (const [tenantId, mask] of everywhere.tenants ?? []) this.on(tenantId, mask);
    }
    const any = add(none(), this.mask);
    for (const mask of this.tenants?.values() ?? []) add(any, mask);
    return { mask: this.mask, tenants: this.tenants, any };
  }
}

/** What a set of assignments of one principal amounts to; null when it is empty. */
export function compileGrants(
  assignments: readonly Assignment[],
  environments: readonly TieredEnvironment[],
): Grants | null {
  if (assignments.length === 0) return null;
  const everywhere = new Draft();
  const drafts = new Map<string, Draft>();
  const any = none();
  for (const { role, scope } of assignments) {
    const mask = ROLE_MASK[role];
    add(any, mask);
    switch (scope.kind) {
      case 'global':
        add(everywhere.mask, mask);
        break;
      case 'tenant':
        everywhere.on(scope.tenant_id, mask);
        break;
      case 'tier':
        for (const { id, tier } of environments) if (tier === scope.tier) add(draftOf(drafts, id).mask, mask);
        break;
      case 'environment':
        add(draftOf(drafts, scope.environment).mask, mask);
        break;
      case 'tenant-in-environment':
        draftOf(drafts, scope.environment).on(scope.tenant_id, mask);
        break;
      default:
        throw new Error(
          `A scope of an unknown kind grants nothing: ${(scope satisfies never as { kind: string }).kind}`,
        );
    }
  }
  const places = new Map([...drafts].map(([id, draft]) => [id, draft.place(everywhere)]));
  return { everywhere: everywhere.place(), places: places.size > 0 ? places : null, any };
}

function draftOf(drafts: Map<string, Draft>, environment: string): Draft {
  const draft = drafts.get(environment) ?? new Draft();
  drafts.set(environment, draft);
  return draft;
}
