/** The four reads of the contract, each of which leaves a record of itself. */
import { Readable } from 'node:stream';
import type { AuditFilter, Verification } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { Call, ReadHandlers, Streamed } from '../../call/call.ts';
import { MOST_TOLD, type Unreadable } from '../../kernel/bad-records.ts';
import { createLongRuns, type Progress } from '../../kernel/long-runs.ts';
import type { AuditDraft, AuditLog } from '../record/audit-log.ts';
import type { AuditStore } from '../store/audit.store.ts';
import { encoded, encodingOf, type ExportFormat } from './export.ts';
import type { AuditMetrics } from '../sequencing/metrics.ts';
import { ReadTrail } from './read-trail.ts';
import type { AuditSearch, Question } from './search.ts';

/** Records per window of an export: about 1 MiB of text at most usual sizes. */
const EXPORT_WINDOW = 500;

/** Below what proxies wait for an answer; and how long a walk goes on for somebody who was told to ask again. */
const VERIFYING = { answerMs: 15_000, lingerMs: 60_000, underWay: 'audit.verifying' } as const;

export interface HandlerDeps {
  readonly store: AuditStore;
  readonly search: AuditSearch;
  readonly log: AuditLog;
  readonly ambient: Ambient;
  readonly metrics: AuditMetrics;
  readonly environment: string;
  /** Waits until what was appended before can be found. */
  settle(): Promise<void>;
  verify(signal: AbortSignal, tell: (progress: Progress) => void): Promise<Verification>;
}

export type AuditHandlers = ReadHandlers<'audit.records.list' | 'audit.records.get' | 'audit.verify' | 'audit.export'>;

type Caller = Pick<Call<never>, 'principal' | 'provenance'>;

const byCaller = ({ principal, provenance }: Caller, code: string, action: string, resource: string): AuditDraft => ({
  code,
  action,
  resource,
  actor: principal,
  outcome: 'succeeded',
  provenance,
});

export function auditHandlers(deps: HandlerDeps): AuditHandlers {
  const { store, search, ambient, metrics, settle } = deps;
  const trail = new ReadTrail(deps.log, ambient);
  const verify = createLongRuns((signal, tell) => deps.verify(signal, tell), { ambient, ...VERIFYING });
  return {
    'audit.records.list': async (call) => {
      const { limit, cursor, sort, ...filter } = call.query;
      await settle();
      const page = await search.page(
        { filter: asked(filter), ...sightOf(call) },
        { limit, cursor, order: sort === 'seq' ? 1 : -1 },
      );
      await trail.record(byCaller(call, 'audit.read', 'audit.records.list', 'audit:records'), asked(filter));
      return page;
    },
    'audit.records.get': async (call) => {
      const { record_id } = call.params;
      // Most records asked for were placed long ago: look first, wait for the inbox only if it is not there.
      const found = (await store.record(record_id)) !== null;
      if (!found) await settle();
      const record = await search.get(record_id, call.visibleAt);
      await trail.record(byCaller(call, 'audit.read', 'audit.records.get', `audit:${record_id}`), { record_id });
      return record;
    },
    'audit.verify': async (call) => {
      const result = await verify(call.principal.id, call.signal);
      metrics.verified(result, ambient.now());
      const { ok, first_bad = null, checked, head } = result;
      const draft = byCaller(call, 'audit.verified', 'audit.verify', 'audit:chain');
      await trail.record(
        { ...draft, outcome: ok ? 'succeeded' : 'failed', after: { checked, head } },
        { ok, first_bad },
      );
      return result;
    },
    'audit.export': (call) => exported(deps, call),
  };
}

const sightOf = ({ visible, visibleAt, isAcross }: Pick<ExportCall, 'visible' | 'visibleAt' | 'isAcross'>) => ({
  visible,
  visibleAt: isAcross ? visibleAt : undefined,
});

type ExportCall = Parameters<AuditHandlers['audit.export']>[0];

/** The first record is written before the first byte, the second (with the count) when the last one is out or lost. */
async function exported(deps: HandlerDeps, call: ExportCall): Promise<Streamed> {
  const { format, ...rest } = call.query;
  const filter = asked(rest);
  const draft = byCaller(call, 'audit.exported', 'audit.export', 'audit:records');
  const { visible } = call;
  const tenants = visible === 'all' ? 'all' : [...visible];
  const record_id = await deps.log.append({ ...draft, outcome: 'requested', after: { format, filter, tenants } });
  await deps.settle();
  const encoding = encodingOf(format);
  const pieces = told(deps, draft, { filter, ...sightOf(call) }, format, record_id, call.signal);
  // Begun here: what never began has no end, and somebody who reads no byte (HEAD, a client that is gone) has one, too.
  await pieces.next();
  const stream = Readable.from(pieces, { objectMode: false });
  const day = deps.ambient.now().toISOString().slice(0, 10);
  return { type: encoding.type, stream, filename: `audit-${deps.environment}-${day}.${encoding.extension}` };
}

async function* told(
  deps: HandlerDeps,
  draft: AuditDraft,
  question: Question,
  format: ExportFormat,
  export_id: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let records = 0;
  let lacking = 0;
  const unreadable: Unreadable[] = [];
  const count = (read: number, bad: readonly Unreadable[]): void => {
    records += read;
    lacking += bad.length;
    unreadable.push(...bad.slice(0, MOST_TOLD - unreadable.length));
  };
  let outcome: AuditDraft['outcome'] = 'cancelled';
  try {
    yield '';
    const windows = deps.search.windows(question, { size: EXPORT_WINDOW, order: 1 });
    for await (const piece of encoded(encodingOf(format), windows, count)) {
      signal.throwIfAborted();
      yield piece;
    }
    outcome = lacking === 0 ? 'succeeded' : 'failed';
  } catch (error) {
    if (!signal.aborted) outcome = 'failed';
    throw error;
  } finally {
    const end = {
      ...draft,
      code: 'audit.export_finished',
      outcome,
      after: { export_id, format, records, ...(lacking > 0 ? { lacking, unreadable } : {}) },
    };
    // The bytes are out: failing now would only turn a complete file into a broken one. The first record stands.
    await deps.log.append(end).catch(() => undefined);
  }
}

/** The fields that were given. */
const asked = (filter: { [K in keyof AuditFilter]?: AuditFilter[K] | undefined }): AuditFilter =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as AuditFilter;
