/** An audit log on a database of its own, for the tests of this folder. */
import type { AuditRecord, ReadId } from '@cloudlysis/contract';
import { dropDatabase, freshDatabase } from '../../../testing/mongo.ts';
import { systemAmbient, type Ambient } from '../kernel/ambient.ts';
import type { Principal, Visible } from '../call/principal.ts';
import { connectMongo, type Mongo } from '../ports/mongo/mongo.ts';
import type { PendingRecord } from './record/audit-record.ts';
import { createAudit, type Audit, type AuditDraft, type AuditHandlers } from './index.ts';

export const operator: Principal = {
  id: 'user:ops@acme.test',
  kind: 'user',
  email: 'ops@acme.test',
  via: 'gateway',
  onBehalfOf: null,
  environment: null,
  steppedUpAt: null,
  granted: [],
};

export const draftOf = (fields: Partial<AuditDraft> = {}): AuditDraft => ({
  code: 'job.submitted',
  action: 'scale.migrate',
  actor: operator,
  resource: 'tenant:acme',
  tenantId: 'acme',
  outcome: 'succeeded',
  ...fields,
});

export interface TestLog extends AsyncDisposable {
  readonly audit: Audit;
  readonly mongo: Mongo;
  readonly ambient: Ambient;
  /** Another replica on the same database. */
  replica(id: string, ambient?: Ambient): Audit;
  /** Appends and places many at once. */
  fill(drafts: readonly AuditDraft[]): Promise<void>;
  placeAll(): Promise<void>;
  verify(): ReturnType<Audit['verify']>;
  call<Id extends ReadId & keyof AuditHandlers>(id: Id, input?: CallInput): ReturnType<AuditHandlers[Id]>;
}

interface CallInput {
  readonly query?: Record<string, unknown>;
  readonly params?: Record<string, unknown>;
  readonly visible?: Visible;
  readonly signal?: AbortSignal;
  readonly principal?: Principal;
}

export async function testLog(ambient: Ambient = systemAmbient()): Promise<TestLog> {
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  const replica = (replicaId: string, its = ambient): Audit =>
    createAudit({ mongo, ambient: its, replicaId, environment: 'local' });
  const audit = replica('replica-a');
  await audit.prepare();
  const placeAll = async (): Promise<void> => {
    const inbox = mongo.db.collection<PendingRecord>('audit_inbox');
    while ((await inbox.findOne({})) !== null) await audit.settle();
  };
  return {
    audit,
    mongo,
    ambient,
    replica,
    placeAll,
    fill: async (drafts) => {
      for (const draft of drafts) await audit.log.append(draft);
      await placeAll();
    },
    verify: () => audit.verify(new AbortController().signal),
    call: (id, input = {}) => audit.reads[id](callOf(input) as never) as never,
    [Symbol.asyncDispose]: async () => {
      await audit.stop();
      await dropDatabase(mongo.db.databaseName);
      await mongo.close();
    },
  };
}

const callOf = ({ query = {}, params = {}, visible = 'all', signal, principal = operator }: CallInput): unknown => ({
  query: { limit: 50, ...query },
  params,
  body: {},
  principal,
  provenance: { requestId: 'req_1', traceId: null, ip: '127.0.0.1', agent: 'jest' },
  visible,
  visibleAt: () => visible,
  isAcross: false,
  signal: signal ?? new AbortController().signal,
});

/** All pages of a search, newest first. */
export async function everyPage(
  log: TestLog,
  query: Record<string, unknown>,
  visible: Visible = 'all',
): Promise<AuditRecord[]> {
  const all: AuditRecord[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await log.call('audit.records.list', { query: { ...query, ...(cursor ? { cursor } : {}) }, visible });
    all.push(...page.items);
    cursor = page.next_cursor;
  }
  return all;
}
