/** `/overview`: is the platform all right, and what needs me? (UI-01) */
import { z } from 'zod';
import { read } from '../operation.ts';
import { shown } from '../text.ts';
import { OfEnvironment, ShardId, Timestamp } from '../wire.ts';
import { Source } from './scale.ts';

export const OverviewKind = z
  .enum(['gateway', 'aggregate', 'projection', 'runner', 'jetstream', 'mongodb', 'control-plane'])
  .describe('Kind of service');
export type OverviewKind = z.infer<typeof OverviewKind>;

export const Figure = z
  .strictObject({
    name: shown().describe('Stable name, such as `requests_per_second`'),
    label: shown().describe('What it is, for people'),
    value: z.number().nullable().describe('Measured value; null where it could not be measured'),
    unit: shown().describe(
      'Unit: `req/s`, `events`, `bytes`, `ratio` (0 to 1), `ms`, or what is counted, such as `nodes`',
    ),
  })
  .describe('One measured figure')
  .meta({ id: 'Figure' });
export type Figure = z.infer<typeof Figure>;

export const ServiceOverview = z
  .strictObject({
    kind: OverviewKind,
    ...OfEnvironment,
    state: z
      .enum(['ok', 'degraded', 'down', 'unknown'])
      .describe('Verdict; `unknown` where it could not be checked or there is none'),
    reason: shown().describe('The sentence why'),
    figures: z.array(Figure).max(50).describe('What was measured'),
  })
  .describe('One kind of service, over all its nodes')
  .meta({ id: 'ServiceOverview' });
export type ServiceOverview = z.infer<typeof ServiceOverview>;

export const Attention = z
  .strictObject({
    id: shown().describe('Stable while the cause lasts, such as `tenant.degraded:acme`'),
    ...OfEnvironment,
    severity: z.enum(['critical', 'warning', 'info']).describe('How much it matters'),
    title: shown().describe('What it is, in a few words'),
    detail: shown().describe('The sentence why, with measured values'),
    since: Timestamp.nullable().describe('Since when; null where unknown'),
    resource: shown().describe(
      '`tenant:<id>`, `shard:<id>`, `job:<id>`, `service:<kind>`, `tenants`, `drift` or `audit`: where to look',
    ),
    action: shown().nullable().describe('Id of the operation that would help; null where none would'),
    input: z
      .strictObject({
        shard_id: ShardId.optional(),
        action: z.enum(['drain', 'resume']).optional().describe('Of a drain'),
        source: Source.optional(),
      })
      .describe('What else the operation is asked, beside what it is about'),
  })
  .describe('Something that needs a person')
  .meta({ id: 'Attention' });
export type Attention = z.infer<typeof Attention>;

export const Unchecked = z
  .strictObject({
    ...OfEnvironment,
    source: shown().describe('What could not be asked, such as `gateway/gw-1 metrics`'),
    reason: shown().describe('The sentence why'),
  })
  .describe('A part that could not be checked')
  .meta({ id: 'Unchecked' });
export type Unchecked = z.infer<typeof Unchecked>;

const count = z.number().int();

export const Overview = z
  .strictObject({
    services: z
      .array(ServiceOverview)
      .max(200)
      .describe('One per kind, always in the same order; of what lives in environments one in each'),
    tenants: z
      .strictObject({
        total: count.nullable().describe('Tenants the caller may see; null where they could not be read'),
        by_state: z.record(shown(64), count).meta({ maxProperties: 50 }).describe('State → how many of them'),
      })
      .describe('Tenants by state'),
    jobs: z
      .strictObject({
        open: count.nullable().describe('Not ended; null where it could not be read'),
        failed_24h: count
          .nullable()
          .describe(
            'Submitted in the last 24 hours and failed, or undone because a step failed; counted up to 10 000; null where it could not be read',
          ),
        succeeded_24h: count
          .nullable()
          .describe(
            'Submitted in the last 24 hours and succeeded; counted up to 10 000; null where it could not be read',
          ),
      })
      .describe('Jobs the caller may see'),
    attention: z.array(Attention).max(50).describe('What needs a person, most severe first, at most 50'),
    unchecked: z
      .array(Unchecked)
      .max(10_000)
      .describe('What could not be checked; its figures are null and nothing of it is `ok`'),
    sampled_at: Timestamp.describe('When it was measured'),
  })
  .describe('The platform at a glance')
  .meta({ id: 'Overview' });
export type Overview = z.infer<typeof Overview>;

export const overviewOperations = {
  'overview.get': read('overview.get', {
    path: '/overview',
    summary: 'State of every kind of service, and what needs attention',
    permission: 'ops.view',
    scope: 'filtered',
    answer: Overview,
  }),
};
