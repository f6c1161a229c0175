/** Examples of the main job, moving a live tenant, as they stand in the OpenAPI document. A test parses each. */

interface Example {
  readonly request?: unknown;
  /** Status → answer. */
  readonly answers?: Readonly<Record<number, unknown>>;
}

const MOVE = {
  tenant_id: 'acme',
  kind: 'aggregate',
  to: 'aggregate-2',
  reason: 'aggregate-1 is at 92 % of its capacity',
};

const PLAN = {
  hash: '8c1f0e5b7a2d4c93',
  kind: 'scale.migrate',
  risk: 'high',
  checks: [
    {
      id: 'drain.in_flight',
      title: 'Commands in flight',
      status: 'pass',
      measured: 3,
      limit: 100,
      unit: 'commands',
      detail: '3 commands in flight, at most 100 may be',
    },
  ],
  steps: [{ name: 'drain', title: 'Drain acme on aggregate-1', reversible: true }],
  diff: [{ op: 'replace', path: 'placement.aggregate.acme.shard_id', before: 'aggregate-1', after: 'aggregate-2' }],
  diff_total: 1,
  diff_hash: '1dd2b10f7a2d4c938c1f0e5b7a2d4c938c1f0e5b7a2d4c938c1f0e5b7a2d4c93',
  blast_radius: [
    {
      kind: 'tenant',
      ids: ['acme'],
      count: 1,
      figures: [
        { name: 'traffic', value: 42.5, unit: 'req/s' },
        { name: 'in flight', value: 3, unit: 'in flight' },
        { name: 'lag', value: 0, unit: 'events behind' },
        { name: 'traffic share', value: 8, unit: '% of traffic' },
      ],
    },
  ],
  blockers: [],
  rollback: 'The steps are undone in reverse order; a finished move is undone by moving back',
  created_at: '2026-11-21T09:26:00.000Z',
  expires_at: '2026-11-21T09:41:00.000Z',
};

const TICKET = { job_id: 'job_01935c5e-6f00-7a3b-9c1d-2f4e6a8b0c1d', state: 'queued' };

export const EXAMPLES: Readonly<Record<string, Example>> = {
  'scale.migrate.preflight': { request: MOVE, answers: { 200: PLAN } },
  'scale.migrate': { request: MOVE, answers: { 202: TICKET } },
};
