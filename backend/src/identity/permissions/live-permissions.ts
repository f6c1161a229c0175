/** The permission table as MongoDB has the assignments: a checked copy. While MongoDB is away the last known state decides. */
import type { Assignment } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import { CheckedCopy, type CopyReport } from '../../copies/index.ts';
import { createCollectionSource } from '../../ports/mongo/collection-source.ts';
import type { AssignmentStore } from './assignment-store.ts';
import type { TieredEnvironment } from './grants.ts';
import { assignmentFault, readAssignment, type AssignmentDocument } from './stored-assignment.ts';
import { assignedTo } from '../../call/identity-name.ts';
import { PermissionTable, type Permissions } from './permissions.ts';

export interface LivePermissions extends Permissions {
  readonly copy: CopyReport;
  /** The first reading: without one nobody could be let in. Harmless to repeat. @throws Problem `store.unavailable` */
  prepare(): Promise<void>;
  /** Prepares where that was not done, and follows. */
  start(): void;
  stop(): Promise<void>;
}

interface LiveOptions {
  readonly store: AssignmentStore;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly environments: readonly TieredEnvironment[];
  readonly seed: readonly Assignment[];
  /** Milliseconds between two comparisons with a full read; 60 000 unless told. */
  readonly reloadMs?: number;
}

export function createLivePermissions({
  store,
  ambient,
  logger,
  environments,
  seed,
  reloadMs,
}: LiveOptions): LivePermissions {
  const table = new PermissionTable(environments);
  const held = new AssignmentsByPrincipal();
  const copy = new CheckedCopy<AssignmentDocument>({
    name: 'assignments',
    source: createCollectionSource({ collection: store.assignments, ambient }),
    ambient,
    logger,
    fault: assignmentFault,
    ...(reloadMs === undefined ? {} : { checkMs: reloadMs }),
    apply(id, document) {
      for (const principal of held.put(id, document)) table.replace(principal, held.of(principal));
    },
  });
  const prepare = async (): Promise<void> => {
    await store.prepare(seed);
    await copy.current();
  };
  return {
    copy,
    can: (principal, requirement, scope) => table.can(principal, requirement, scope),
    visible: (principal, requirement, environment) => table.visible(principal, requirement, environment),
    visibleEverywhere: (principal, requirement) => table.visibleEverywhere(principal, requirement),
    abilities: (principal, environment, tenantId) => table.abilities(principal, environment, tenantId),
    assignmentsOf: (principal) => table.assignmentsOf(principal),
    prepare,
    start: () => copy.start(),
    stop: () => copy.stop(),
  };
}

/** A document that moves from one principal to another touches both. */
class AssignmentsByPrincipal {
  private readonly principalOf = new Map<string, string>();
  private readonly held = new Map<string, Map<string, Assignment>>();

  of(principal: string): Assignment[] {
    return [...(this.held.get(principal)?.values() ?? [])];
  }

  /** Returns whose assignments are others now. */
  put(id: string, document: AssignmentDocument | null): Set<string> {
    // First of all: what it throws for a document that names nobody must leave everything as it was.
    const key = document && assignedTo(document.principal);
    const touched = new Set<string>();
    const before = this.principalOf.get(id);
    if (before !== undefined) {
      touched.add(before);
      this.principalOf.delete(id);
      const left = this.held.get(before);
      left?.delete(id);
      if (left?.size === 0) this.held.delete(before);
    }
    if (document && key !== null) {
      touched.add(key);
      this.principalOf.set(id, key);
      const mine = this.held.get(key) ?? new Map<string, Assignment>();
      this.held.set(key, mine.set(id, readAssignment(document)));
    }
    return touched;
  }
}
