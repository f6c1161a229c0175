/** Who may do what, right now: the compiled assignments. */
import { allOperations, type Abilities, type Assignment, type Requirement } from '@cloudlysis/contract';
import type { Principal, Visible } from '../../call/principal.ts';
import { assignedTo } from '../../call/identity-name.ts';
import { compileGrants, decide, tenantsWith, type AskedScope, type Grants, type Verdict } from './permission-table.ts';

export interface Permissions {
  can(principal: Principal, requirement: Requirement, scope: AskedScope): Verdict;
  visible(principal: Principal, requirement: Requirement): Visible;
  /**
   * Every operation's verdict for a principal. With a tenant: on that tenant, so that what lists it is allowed exactly
   * where it would be listed. Without: what is about tenants is allowed where it is on any, and a refusal means nowhere.
   */
  abilities(principal: Principal, tenantId?: string): Abilities;
  assignmentsOf(principal: Principal): readonly Assignment[];
}

const ALLOWED: Verdict = { allowed: true, reason: null };
const isOpen = (requirement: Requirement): requirement is 'public' | 'signed-in' =>
  requirement === 'public' || requirement === 'signed-in';

const OPERATIONS = allOperations();

/** The table in memory. Assignments of one principal are replaced as a whole; nothing is edited in place. */
export class PermissionTable implements Permissions {
  private grants = new Map<string, Grants | null>();
  private assigned = new Map<string, readonly Assignment[]>();
  /** Principals whose credential brings a role of its own; forgotten whenever an assignment changes. */
  private merged = new WeakMap<Principal, { grants: Grants | null }>();
  private readonly environment: string;

  constructor(environment: string, assignments: readonly Assignment[] = []) {
    this.environment = environment;
    this.replaceAll(assignments);
  }

  replaceAll(assignments: readonly Assignment[]): void {
    const byPrincipal = Map.groupBy(assignments, ({ principal }) => assignedTo(principal));
    this.grants = new Map([...byPrincipal].map(([key, held]) => [key, compileGrants(held, this.environment)]));
    this.assigned = byPrincipal;
    this.merged = new WeakMap();
  }

  replace(principal: string, assignments: readonly Assignment[]): void {
    const key = assignedTo(principal);
    if (assignments.length === 0) {
      this.grants.delete(key);
      this.assigned.delete(key);
    } else {
      this.grants.set(key, compileGrants(assignments, this.environment));
      this.assigned.set(key, assignments);
    }
    this.merged = new WeakMap();
  }

  can(principal: Principal, requirement: Requirement, scope: AskedScope): Verdict {
    return isOpen(requirement) ? ALLOWED : decide(this.grantsOf(principal), requirement, scope);
  }

  visible(principal: Principal, requirement: Requirement): Visible {
    return isOpen(requirement) ? 'all' : tenantsWith(this.grantsOf(principal), requirement);
  }

  abilities(principal: Principal, tenantId?: string): Abilities {
    const onTenants = tenantId === undefined ? 'any' : { tenantId };
    const verdicts = OPERATIONS.map((operation) => {
      const scope = operation.scope === 'platform' ? 'platform' : onTenants;
      return [operation.id, this.can(principal, operation.permission, scope)] as const;
    });
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
      merged = { grants: compileGrants(this.assignmentsOf(principal), this.environment) };
      this.merged.set(principal, merged);
    }
    return merged.grants;
  }

  /** A role mapped from Grafana is for users whom only Grafana knows: one assignment here, and it no longer counts. */
  private usesGranted(principal: Principal): boolean {
    return principal.granted.length > 0 && !(principal.via === 'grafana' && this.assigned.has(principal.id));
  }
}
