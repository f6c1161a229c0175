/** `/audit`: search, verify and export the append-only log (AUD-01, AUD-05, AUD-07..09, AUD-11). */
import { z } from 'zod';
import { read, stream } from '../operation.ts';
import { line, shown } from '../text.ts';
import { JobId, Json, pageOf, PageQuery, RecordId, TenantId, Timestamp } from '../wire.ts';
import { EXPORT_FORMATS, OUTCOMES } from '../words.ts';

export const Outcome = z.enum(OUTCOMES).describe('What came of it').meta({ id: 'Outcome' });
export type Outcome = z.infer<typeof Outcome>;

export const AuditRecord = z
  .strictObject({
    record_id: RecordId,
    seq: z.number().int().describe('Place in the chain, from 1, without gaps'),
    code: shown().describe('Stable code of the event, such as `job.submitted`'),
    action: shown().describe('Operation id or job kind it is about'),
    actor: shown().describe('Who: `user:<e-mail>`, `service:<subject>`, `system:<part>` or `anonymous`'),
    on_behalf_of: shown().nullable().describe('For whom, under impersonation; null otherwise'),
    resource: shown().describe('What it touched, such as `tenant:acme`'),
    tenant_id: TenantId.nullable().describe('Tenant; null for platform-wide events'),
    environment: shown().describe('Environment of this control plane'),
    outcome: Outcome,
    reason: shown().nullable().describe('Why, in the words of the person who asked'),
    problem: shown().nullable().describe('Problem code of a refusal or failure; null otherwise'),
    before: Json.describe('State before, redacted'),
    after: Json.describe('State afterwards, redacted'),
    job_id: JobId.nullable().describe('Job; null where none is involved'),
    request_id: shown().nullable().describe('Request; null for events of the system itself'),
    trace_id: shown().nullable().describe('W3C trace id'),
    ip: shown().nullable().describe('Address the request came from'),
    agent: shown().nullable().describe('User agent, at most 256 characters'),
    at: Timestamp.describe('When it happened'),
    count: z.number().int().min(1).optional().describe('How many of the same it stands for; absent for one by itself'),
    first_at: Timestamp.optional().describe('The first of them; absent without a count'),
    last_at: Timestamp.optional().describe('The last of them; absent without a count'),
    hash: shown().describe('SHA-256 over the record before and this record’s canonical form (RFC 8785), hex'),
  })
  .describe('One event, written once and never changed')
  .meta({ id: 'AuditRecord' });
export type AuditRecord = z.infer<typeof AuditRecord>;

const Filter = {
  job_id: JobId.optional(),
  tenant_id: TenantId.optional(),
  actor: line(320).optional().describe('Exactly this actor'),
  action: line(64).optional().describe('Exactly this action'),
  resource: line(200).optional().describe('Exactly this resource'),
  outcome: Outcome.optional(),
  request_id: line(128).optional().describe('Exactly this request'),
  from: Timestamp.optional().describe('At or after'),
  to: Timestamp.optional().describe('Before'),
};
export const AuditFilter = z.strictObject(Filter);
export type AuditFilter = z.infer<typeof AuditFilter>;

export const Verification = z
  .strictObject({
    ok: z.boolean().describe('Whether the whole chain holds'),
    checked: z.number().int().describe('Records walked'),
    first_bad: z
      .strictObject({
        seq: z.number().describe('Place in the chain; a forged one need not be whole'),
        record_id: shown().nullable().describe('Record; null where it is missing'),
        reason: shown().describe('What is wrong with it'),
      })
      .optional()
      .describe('First record that does not hold; absent when all do'),
    faults: z
      .array(
        z.strictObject({
          place: z
            .string()
            .max(300)
            .describe('Where: `record 250.5`, `segment 7`, `head`, `inbox <id>`, `set aside <id>`, `job <id>`'),
          seq: z.number().describe('Place in the chain, or the nearest to it; 0 where it has none'),
          record_id: z
            .string()
            .max(300)
            .nullable()
            .describe('Id of the document; null where it is missing or has none'),
          reason: z.string().max(1_000).describe('What is wrong with it, in a sentence'),
        }),
      )
      .max(100)
      .optional()
      .describe('The first of everything that does not hold, by collection; absent when all does'),
    faults_total: z.number().int().optional().describe('How many there are in all; absent when there are none'),
    head: z
      .strictObject({ seq: z.number().int().describe('Last place'), hash: shown().describe('Its hash') })
      .describe('Head of the chain'),
    pending: z.number().int().describe('Records written and not yet sequenced'),
    set_aside: z
      .number()
      .int()
      .optional()
      .describe('Documents that lay in the inbox, were no records, and were set aside; absent when there were none'),
  })
  .describe('Result of walking the hash chain')
  .meta({ id: 'Verification' });
export type Verification = z.infer<typeof Verification>;

export const auditOperations = {
  'audit.records.list': read('audit.records.list', {
    path: '/audit/records',
    summary: 'Search the audit log',
    permission: 'audit.view',
    scope: 'filtered',
    query: z.strictObject({
      ...PageQuery,
      ...Filter,
      sort: z.enum(['-seq', 'seq']).default('-seq').describe('Order in the chain; `-` is newest first'),
    }),
    answer: pageOf(AuditRecord),
    problems: ['cursor.invalid', 'audit.unavailable'],
  }),
  'audit.records.get': read('audit.records.get', {
    path: '/audit/records/:record_id',
    summary: 'One audit record with before and after',
    permission: 'audit.view',
    scope: 'filtered',
    params: z.strictObject({ record_id: RecordId }),
    answer: AuditRecord,
    problems: ['record.unknown', 'audit.unavailable'],
  }),
  'audit.verify': read('audit.verify', {
    path: '/audit/verify',
    summary:
      'Walk the hash chain and name the first record that does not hold; a long one answers `audit.verifying` with how far it is until it has been walked',
    permission: 'audit.view',
    answer: Verification,
    concurrency: { per_principal: 20, total: 100, wait_s: 15 },
    problems: ['audit.unavailable', 'audit.verifying'],
  }),
  'audit.export': stream('audit.export', {
    path: '/audit/export',
    summary: 'Stream records, oldest first, as JSON Lines, CSV or CloudEvents',
    permission: 'audit.export',
    scope: 'filtered',
    query: z.strictObject({
      format: z.enum(EXPORT_FORMATS).default('jsonl').describe('Format'),
      ...Filter,
    }),
    answer: AuditRecord,
    concurrency: { per_principal: 2, total: 4, wait_s: 15 },
    streams: ['application/x-ndjson', 'text/csv', 'application/cloudevents-batch+json'],
    problems: ['audit.unavailable'],
  }),
};
