/** `/scale`: shards, placements, drift, and the main job: moving live tenants (SCL-01..11). */
import { z } from 'zod';
import { mutation, read } from '../operation.ts';
import { line, mapOf, mapShown, nameOf, setOf, shown } from '../text.ts';
import {
  EnvironmentId,
  InEnvironment,
  InEnvironments,
  MissingEnvironments,
  JobId,
  pageOf,
  PageQuery,
  Reason,
  ServiceKind,
  ShardId,
  TenantId,
  Timestamp,
  UnreadableRows,
} from '../wire.ts';

export const Shard = z
  .strictObject({
    shard_id: ShardId,
    kind: ServiceKind,
    endpoint: z
      .url('An address such as http://10.0.0.7:8101')
      .max(256)
      .describe('Base URL of the node’s admin endpoints; its host and port must be on the allowlist'),
    labels: mapOf(line(128), 50).describe('Labels, at most 50'),
    capacity: z
      .strictObject({ tenants: z.int().min(1).max(1_000_000).describe('How many tenants it may hold') })
      .describe('Capacity'),
    region: nameOf(64).describe('Region'),
  })
  .describe('A node that serves a share of the tenants of one kind');
export type Shard = z.infer<typeof Shard>;

export const ShardView = Shard.extend({
  environment: EnvironmentId,
  labels: mapShown(z.string().max(128), 50).describe('Labels, at most 50'),
  region: z.string().max(64).describe('Region'),
  tenants: z.number().int().describe('Tenants placed on it'),
  load: z.number().describe('Share of its capacity in use, 0 to 1 and more'),
  health: z
    .strictObject({
      state: z.enum(['ready', 'not-ready', 'unreachable']).describe('As the node reports'),
      reason: shown().describe('The sentence why'),
    })
    .describe('What the node itself says'),
  version: z.number().int().describe('Version of the record'),
}).meta({ id: 'ShardView' });
export type ShardView = z.infer<typeof ShardView>;

export const Placement = z
  .strictObject({
    tenant_id: TenantId,
    kind: ServiceKind,
    shard_id: ShardId,
    revision: z.number().int().describe('Goes up by one at every move'),
  })
  .describe('Where one tenant lives for one kind');
export type Placement = z.infer<typeof Placement>;

const Here = { environment: EnvironmentId };
export const PlacementView = Placement.extend(Here).meta({ id: 'Placement' });
export type PlacementView = z.infer<typeof PlacementView>;

export const Drift = z
  .strictObject({
    tenant_id: TenantId,
    kind: ServiceKind,
    recorded: shown().nullable().describe('Shard in MongoDB, the record'),
    published: shown().nullable().describe('Shard in NATS KV or the static file'),
    reported: z.array(ShardId).max(10_000).describe('Shards whose nodes say they serve the tenant'),
    misrouted: z.array(ShardId).max(10_000).describe('Gateways that do not route the tenant as recorded'),
    reason: shown().describe('The sentence why this is drift'),
    repairable: z.boolean().describe('Whether the repair job mends it'),
  })
  .describe('One disagreement about a placement');
export type Drift = z.infer<typeof Drift>;
export const DriftView = Drift.extend(Here).meta({ id: 'Drift' });
export type DriftView = z.infer<typeof DriftView>;

export const DrainOrdered = z
  .strictObject({
    job_id: JobId.describe('Job that asked for it'),
    by: z.string().max(254).describe('Who asked'),
    reason: z.string().max(500).nullable().describe('Why'),
    since: Timestamp.describe('Since when'),
  })
  .describe('A drain that holds until a resume, whatever its node remembers');

export const Drain = z
  .strictObject({
    shard_id: ShardId,
    kind: ServiceKind,
    tenant_id: TenantId.nullable().describe('Tenant; null for the whole node'),
    state: z.enum(['serving', 'draining', 'drained', 'paused', 'unreachable']).describe('As the node reports'),
    in_flight: z.number().int().nullable().describe('Work in flight; null where unknown'),
    ordered: DrainOrdered.nullable().describe(
      'What was asked for; null where the node drains without having been asked',
    ),
  })
  .describe('What was asked of a node, and what it reports');
export type Drain = z.infer<typeof Drain>;
export const DrainView = Drain.extend(Here).meta({ id: 'Drain' });
export type DrainView = z.infer<typeof DrainView>;

export const scaleOperations = {
  'scale.shards.list': read('scale.shards.list', {
    path: '/scale/shards',
    summary: 'List shards with load and health',
    permission: 'scale.view',
    scope: 'environment',
    query: z.strictObject({ ...PageQuery, ...InEnvironments, kind: ServiceKind.optional() }),
    answer: pageOf(ShardView),
    problems: ['cursor.invalid'],
  }),
  'scale.placements.list': read('scale.placements.list', {
    path: '/scale/placements',
    summary: 'List placements by tenant and kind',
    permission: 'scale.view',
    scope: 'filtered',
    query: z.strictObject({
      ...PageQuery,
      ...InEnvironments,
      tenant_id: TenantId.optional(),
      kind: ServiceKind.optional(),
      shard_id: ShardId.optional(),
    }),
    answer: pageOf(PlacementView),
    problems: ['cursor.invalid'],
  }),
  'scale.drift.get': read('scale.drift.get', {
    path: '/scale/drift',
    summary: 'Compare MongoDB, NATS KV, what the nodes report and what the gateways route',
    permission: 'scale.view',
    scope: 'environment',
    query: z.strictObject(InEnvironments),
    answer: z.strictObject({
      missing: MissingEnvironments,
      unreadable: UnreadableRows,
      items: z.array(DriftView).max(1_000).describe('Disagreements, at most 1 000'),
      checked: z.number().int().describe('Placements compared'),
      unreachable: z
        .array(ShardId)
        .max(10_000)
        .describe('Shards whose node did not answer, so that nothing can be said of them'),
    }),
    problems: ['bus.unavailable'],
  }),
  'scale.drains.list': read('scale.drains.list', {
    path: '/scale/drains',
    summary: 'Every drain that was asked for or is reported: what is wanted, by whom, and what the node says',
    permission: 'scale.view',
    scope: 'environment',
    query: z.strictObject(InEnvironments),
    answer: z.strictObject({
      missing: MissingEnvironments,
      unreadable: UnreadableRows,
      items: z.array(DrainView).max(100_000).describe('Tenants and nodes that are draining or drained'),
    }),
  }),
};

export const Limits = {
  max_in_flight: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Block above this many commands in flight; 100 unless told'),
  max_consumer_lag: z
    .number()
    .int()
    .min(0)
    .max(10_000_000)
    .optional()
    .describe('Block above this many events behind; 5 000 unless told'),
  drain_timeout_s: z.number().min(1).max(300).optional().describe('Seconds a drain may take; 30 unless told'),
};

/** Said by the operator, never guessed: without it a source that cannot be asked blocks the move. */
export const Source = z
  .enum(['serving', 'gone'])
  .describe(
    '`serving` unless told: the source is drained first and has to be well. `gone`: it does not answer, another node ' +
      'answers in its place, or its storage fails; it is not waited for, and the log keeps it from writing',
  );
export type Source = z.infer<typeof Source>;

export const scaleMutations = {
  'scale.shards.put': mutation('scale.shards.put', {
    method: 'PUT',
    path: '/scale/shards/:shard_id',
    summary: 'Register a shard or change its labels, capacity, region or endpoint',
    permission: 'scale.apply',
    scope: 'environment',
    risk: 'low',
    params: z.strictObject({ shard_id: ShardId }),
    body: Shard.omit({ shard_id: true }).extend({ ...InEnvironment, reason: Reason }),
    problems: ['shard.kind_mismatch', 'node.forbidden_host'],
  }),
  'scale.drift.repair': mutation('scale.drift.repair', {
    path: '/scale/drift/repair',
    summary: 'Publish the recorded placements again and have the nodes reload',
    permission: 'scale.apply',
    scope: 'environment',
    risk: 'high',
    body: z.strictObject({ ...InEnvironment, reason: Reason }),
    problems: ['placement.read_only'],
  }),
  'scale.migrate': mutation('scale.migrate', {
    path: '/scale/migrations',
    summary: 'Move a live tenant to another shard: drain, update placement, reload, verify',
    permission: 'scale.migrate',
    scope: 'tenant',
    risk: 'high',
    body: z.strictObject({
      ...InEnvironment,
      tenant_id: TenantId,
      kind: ServiceKind,
      to: ShardId,
      source: Source.optional(),
      ...Limits,
      reason: Reason,
    }),
    problems: [
      'tenant.unknown',
      'shard.unknown',
      'shard.kind_mismatch',
      'placement.unknown',
      'placement.unchanged',
      'placement.read_only',
    ],
  }),
  'scale.evacuate': mutation('scale.evacuate', {
    path: '/scale/evacuations',
    summary: 'Move every tenant off a shard, one child job each',
    permission: 'scale.migrate',
    scope: 'environment',
    risk: 'high',
    body: z.strictObject({
      ...InEnvironment,
      shard_id: ShardId,
      to: setOf(ShardId, { max: 50 })
        .optional()
        .describe('Shards that may receive tenants, each once; every other shard of the kind unless told'),
      concurrency: z.number().int().min(1).max(16).optional().describe('Tenants moved at once; 2 unless told'),
      source: Source.optional(),
      ...Limits,
      reason: Reason,
    }),
    problems: ['shard.unknown', 'shard.kind_mismatch', 'placement.read_only'],
  }),
  'scale.drain': mutation('scale.drain', {
    path: '/scale/drains',
    summary: 'Drain a tenant on a shard, or the whole node; or resume what was drained',
    permission: 'scale.drain',
    scope: 'environment',
    risk: 'high',
    body: z.strictObject({
      ...InEnvironment,
      shard_id: ShardId,
      tenant_id: TenantId.optional(),
      action: z.enum(['drain', 'resume']).describe('Drain, or take it back'),
      node: Source.optional().describe(
        '`serving` unless told: the node has to do it. `gone`: it does not answer; the wish is recorded, and the node is told when it is back',
      ),
      drain_timeout_s: Limits.drain_timeout_s,
      reason: Reason,
    }),
    problems: ['shard.unknown', 'tenant.unknown', 'placement.unknown'],
  }),
};
