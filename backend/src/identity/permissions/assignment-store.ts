/** Role assignments in MongoDB: who holds which role in which scope. */
import type { Assignment } from '@cloudlysis/contract';
import type { Collection, ObjectId } from 'mongodb';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { isDuplicateKey, translated, type Mongo } from '../../ports/mongo/mongo.ts';
import { assignedTo } from '../../call/identity-name.ts';

export interface AssignmentDocument extends Assignment {
  readonly _id: ObjectId;
}

export interface AssignmentStore {
  /** Makes the indexes, and inserts `seed` when there is no assignment at all. */
  prepare(seed: readonly Assignment[]): Promise<void>;
  readonly assignments: Collection<AssignmentDocument>;
}

export function createAssignmentStore(mongo: Mongo): AssignmentStore {
  const assignments: Collection<AssignmentDocument> = mongo.db.collection('assignments');
  return {
    prepare: (seed) => translated(() => prepare(mongo.db, assignments, seed)),
    assignments,
  };
}

async function prepare(
  db: Mongo['db'],
  assignments: Collection<AssignmentDocument>,
  seed: readonly Assignment[],
): Promise<void> {
  await ensureCollection(db, 'assignments', [
    {
      key: { principal: 1, role: 1, 'scope.kind': 1, 'scope.tenant_id': 1, 'scope.environment': 1 },
      name: 'one_per_scope',
      unique: true,
    },
  ]);
  if (seed.length === 0 || (await assignments.findOne({}, { projection: { _id: 1 } }))) return;
  for (const assignment of seed) {
    const document = { ...assignment, principal: assignedTo(assignment.principal) };
    // Another replica may be seeding at the same time; the index makes it the same seed.
    await assignments.insertOne(document as AssignmentDocument).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
    });
  }
}
