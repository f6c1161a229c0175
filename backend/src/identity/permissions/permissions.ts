/** Who may do what, right now: the compiled assignments. */
import { allOperations, type Abilities, type Assignment, type Requirement, type ScopeRule } from '@cloudlysis/contract';
import type { Principal, Visible, VisibleByEnvironment } from '../../call/principal.ts';
import { assignedTo } from '../../call/identity-name.ts';
import { compileGrants, type Grants, type TieredEnvironment } from './grants.ts';
import {
  ALLOWED,
  decide,
  tenantsWith,
  tenantsWithEverywhere,
  type AskedScope,
  type Verdict,
} from './permission-table.ts';
import { ScopeNumbers } from './scope-numbers.ts';

export interface Permissions {
  can(principal: Principal, requirement: Requirement, scope: AskedScope): Verdict;
  /** What may be seen in one environment. */
  visible(principal: Principal, requirement: Requirement, environment: string): Visible;
  /** What may be seen of a list over all of them. */
  visibleEverywhere(principal: Principal, requirement: Requirement): VisibleByEnvironment;
  /**
   * Every operation's verdict for a principal, in one environment. With a tenant: on that tenant, so that what lists it
   * is allowed exactly where it would be listed. Without: what is about tenants is allowed where it is on any, and a
   * refusal means nowhere there.
   */
  abilities(principal: Principal, environment: string, tenantId?: string): Abilities;
  /** All of them, also those for environments that are not configured, or in which the principal's token has no effect. */
  assignmentsOf(principal: Principal): readonly Assignment[];
}

const isOpen = (requirement: Requirement): requirement is 'public' | 'signed-in' =>
  requirement === 'public' || requirement === 'signed-in';

const OPERATIONS = allOperations();

/** The table in memory. Assignments of one principal are replaced as a whole; nothing is edited in place. */
export class PermissionTable implements Permissions {
  private grants = new Map<string, Grants | null>();
  private assigned = new Map<string, readonly Assignment[]>();
  /** Principals whose credential brings a role of its own; forgotten whenever an assignment changes. */
  private merged = new WeakMap<Principal, { grants: Grants | null }>();
  private readonly environments: readonly TieredEnvironment[];
  private readonly numbers = new ScopeNumbers();

  constructor(environments: readonly TieredEnvironment[], assignments: readonly Assignment[] = []) {
    this.environments = environments;
    // First of all: they are what is asked about.
    for (const { id } of environments) this.numbers.number(id, null);
    this.replaceAll(assignments);
  }

  replaceAll(assignments: readonly Assignment[]): void {
    const byPrincipal = Map.groupBy(assignments, ({ principal }) => assignedTo(principal));
    this.grants = new Map(
      [...byPrincipal].map(([key, held]) => [key, compileGrants(held, this.environments, this.numbers)]),
    );
    this.assigned = byPrincipal;
    this.merged = new WeakMap();
  }

  replace(principal: string, assignments: readonly Assignment[]): void {
    const key = assignedTo(principal);
    if (assignments.length === 0) {
      this.grants.delete(key);
      this.assigned.delete(key);
    } else {
      this.grants.set(key, compileGrants(assignments, this.environments, this.numbers));
      this.assigned.set(key, assignments);
    }
    this.merged = new WeakMap();
  }

  can(principal: Principal, requirement: Requirement, scope: AskedScope): Verdict {
    if (isOpen(requirement)) return ALLOWED;
    return decide(this.grantsOf(principal), requirement, scope, principal.environment, this.numbers);
  }

  visible(principal: Principal, requirement: Requirement, environment: string): Visible {
    if (isOpen(requirement)) return 'all';
    return tenantsWith(this.grantsOf(principal), requirement, environment, principal.environment, this.numbers);
  }

  visibleEverywhere(principal: Principal, requirement: Requirement): VisibleByEnvironment {
    if (isOpen(requirement)) return 'all';
    return tenantsWithEverywhere(
      this.grantsOf(principal),
      requirement,
      this.environments,
      principal.environment,
      this.numbers,
    );
  }

  abilities(principal: Principal, environment: string, tenantId?: string): Abilities {
    const onTenants = tenantId === undefined ? { within: environment } : { environment, tenantId };
    const asked = {
      platform: 'platform',
      environment: { environment },
      tenant: onTenants,
      filtered: onTenants,
    } as const satisfies Record<ScopeRule, AskedScope>;
    const verdicts = OPERATIONS.map(
      ({ id, permission, scope }) => [id, this.can(principal, permission, asked[scope])] as const,
    );
    return Object.fromEntries(verdicts);
  }

  assignmentsOf(principal: Principal): readonly Assignment[] {
    const held = this.assigned.get(principal.id) ?? [];
    if (!this.usesGranted(principal)) return held;
    const has = (more: Assignment): boolean =>
      held.some(({ role, scope }) => role === more.role && JSON.stringify(scope) === JSON.stringify(more.scope));
    return [...held, ...principal.granted.filter((more) => !has(more))];
  }

  private grantsOf(principal: Principal): Grants | null | undefined {
    if (principal.granted.length === 0) return this.grants.get(principal.id);
    let merged = this.merged.get(principal);
    if (!merged) {
      merged = { grants: compileGrants(this.assignmentsOf(principal), this.environments, this.numbers) };
      this.merged.set(principal, merged);
    }
    return merged.grants;
  }

  /** A role mapped from Grafana is for users whom only Grafana knows: one assignment here, and it no longer counts. */
  private usesGranted(principal: Principal): boolean {
    return principal.granted.length > 0 && !(principal.via === 'grafana' && this.assigned.has(principal.id));
  }
}
