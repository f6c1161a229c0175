/** Who may do what, right now: the compiled assignments, kept true by a change stream. */
import { allOperations, type Abilities, type Assignment, type Requirement } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../ambient.ts';
import type { Principal, Visible } from '../principal.ts';
import type { AssignmentDocument, AssignmentStore } from './assignment-store.ts';
import {
  compileGrants,
  decide,
  principalKey,
  tenantsWith,
  type AskedScope,
  type Grants,
  type Verdict,
} from './permission-table.ts';

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
    const byPrincipal = Map.groupBy(assignments, ({ principal }) => principalKey(principal));
    this.grants = new Map([...byPrincipal].map(([key, held]) => [key, compileGrants(held, this.environment)]));
    this.assigned = byPrincipal;
    this.merged = new WeakMap();
  }

  replace(principal: string, assignments: readonly Assignment[]): void {
    const key = principalKey(principal);
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
    const held = this.assigned.get(principal.name) ?? [];
    if (!this.usesGranted(principal)) return held;
    const has = (more: Assignment): boolean =>
      held.some(({ role, scope }) => role === more.role && JSON.stringify(scope) === JSON.stringify(more.scope));
    return [...held, ...principal.granted.filter((more) => !has(more))];
  }

  private grantsOf(principal: Principal): Grants | null | undefined {
    if (principal.granted.length === 0) return this.grants.get(principal.name);
    let merged = this.merged.get(principal);
    if (!merged) {
      merged = { grants: compileGrants(this.assignmentsOf(principal), this.environment) };
      this.merged.set(principal, merged);
    }
    return merged.grants;
  }

  /** A role mapped from Grafana is for users whom only Grafana knows: one assignment here, and it no longer counts. */
  private usesGranted(principal: Principal): boolean {
    return principal.granted.length > 0 && !(principal.via === 'grafana' && this.assigned.has(principal.name));
  }
}

export interface LivePermissions extends Permissions {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface LiveOptions {
  readonly store: AssignmentStore;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly environment: string;
  readonly seed: readonly Assignment[];
  /** Milliseconds between full reloads, the safety net of the change stream; 300 000 unless told. */
  readonly reloadMs?: number;
}

/** The table that follows MongoDB. While MongoDB is away the last known state keeps deciding. */
export function livePermissions(options: LiveOptions): LivePermissions {
  const table = new PermissionTable(options.environment);
  const follower = new Follower(table, options);
  return {
    can: (principal, requirement, scope) => table.can(principal, requirement, scope),
    visible: (principal, requirement) => table.visible(principal, requirement),
    abilities: (principal, tenantId) => table.abilities(principal, tenantId),
    assignmentsOf: (principal) => table.assignmentsOf(principal),
    start: () => follower.start(),
    stop: () => follower.stop(),
  };
}

class Follower {
  private readonly stopping = new AbortController();
  private readonly principalOf = new Map<string, string>();
  private stream: ReturnType<AssignmentStore['watch']> | null = null;
  private running: Promise<unknown> = Promise.resolve();
  private readonly table: PermissionTable;
  private readonly options: LiveOptions;

  constructor(table: PermissionTable, options: LiveOptions) {
    this.table = table;
    this.options = options;
  }

  /** @throws Problem `store.unavailable`: without one first reading nobody could be let in. */
  async start(): Promise<void> {
    await this.options.store.prepare(this.options.seed);
    await this.reload();
    this.running = Promise.all([this.follow(), this.reloadRegularly()]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.stream?.close().catch(() => undefined);
    await this.running;
  }

  /** Opens the stream, then reads everything (so that no change falls between), then applies changes; begins again on any error. */
  private async follow(): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted; failures++) {
      try {
        this.stream = this.options.store.watch();
        const first = await this.stream.tryNext();
        await this.reload();
        if (first) await this.apply(first as Change);
        failures = 0;
        for await (const next of this.stream) await this.apply(next as Change);
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        this.options.logger.warn({ err: error }, 'assignments: change stream lost, last known state keeps deciding');
        await this.pause(Math.min(5_000, 100 * 2 ** Math.min(failures, 6)));
      }
      await this.stream?.close().catch(() => undefined);
    }
  }

  private async reloadRegularly(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.pause(this.options.reloadMs ?? 300_000);
      if (this.stopping.signal.aborted) return;
      await this.reload().catch((error: unknown) =>
        this.options.logger.warn({ err: error }, 'assignments: not reloaded'),
      );
    }
  }

  private async pause(ms: number): Promise<void> {
    await this.options.ambient.sleep(ms, this.stopping.signal).catch(() => undefined);
  }

  private async reload(): Promise<void> {
    const documents = await this.options.store.all();
    this.principalOf.clear();
    for (const { _id, principal } of documents) this.principalOf.set(String(_id), principal);
    this.table.replaceAll(documents.map(withoutId));
  }

  /** Reads the touched principals again: a document that moved from one to another touches both. */
  private async apply(change: Change): Promise<void> {
    const id = change.documentKey ? String(change.documentKey._id) : null;
    if (id === null) return this.reload();
    const touched = new Set(
      [this.principalOf.get(id), change.fullDocument?.principal].filter((name) => name !== undefined),
    );
    for (const principal of touched) {
      const documents = await this.options.store.of(principal);
      for (const { _id } of documents) this.principalOf.set(String(_id), principal);
      this.table.replace(principal, documents.map(withoutId));
    }
    if (!change.fullDocument) this.principalOf.delete(id);
  }
}

interface Change {
  readonly documentKey?: { readonly _id: unknown };
  readonly fullDocument?: AssignmentDocument | null;
}

const withoutId = ({ principal, role, scope }: AssignmentDocument): Assignment => ({ principal, role, scope });
