/** Jobs on the wire: the plan that was shown, the steps as they run, the proof at the end. */
import { z } from 'zod';
import { ProblemDocument } from './problems.ts';
import { MOST_SECRETS, SECRET_SHOWN } from './secret-places.ts';
import { shown } from './text.ts';
import { EnvironmentId, JobId, Json, pageOf, RecordId, TenantId, Timestamp } from './wire.ts';
import { JOB_STATES, VERDICTS } from './words.ts';

export const JobState = z.enum(JOB_STATES).describe('State of a job; the last four are final').meta({ id: 'JobState' });
export type JobState = z.infer<typeof JobState>;

export const Check = z
  .strictObject({
    id: shown().describe('Stable id of the check, such as `drain.in_flight`'),
    title: shown().describe('What is checked'),
    status: z.enum(['pass', 'warn', 'block']).describe('Verdict'),
    measured: Json.describe('The value that was measured'),
    limit: Json.describe('The limit it was held against; null where there is none'),
    unit: shown().nullable().describe('Unit of both; null where there is none'),
    detail: shown().describe('The verdict as a sentence'),
  })
  .describe('One preflight check or post-condition')
  .meta({ id: 'Check' });
export type Check = z.infer<typeof Check>;

export const PlanStep = z
  .strictObject({
    name: shown().describe('Stable name of the step'),
    title: shown().describe('What the step does, for people'),
    reversible: z.boolean().describe('Whether it is undone when the job is cancelled or a later step fails'),
  })
  .describe('One step, in order')
  .meta({ id: 'PlanStep' });

export const Change = z
  .strictObject({
    op: z.enum(['add', 'remove', 'replace']).describe('Kind of change'),
    path: shown().describe('What changes, dotted: `placement.aggregate.acme.shard_id`'),
    before: Json.describe('Value now; null where there is none'),
    after: Json.describe('Value afterwards; null where there is none'),
  })
  .describe('One line of the would-change diff')
  .meta({ id: 'Change' });
export type Change = z.infer<typeof Change>;

export const PlanFigure = z
  .strictObject({
    name: shown(64).describe('What was measured: `traffic`, `in flight`, `lag`; said where it could not be'),
    value: z.number().nullable().describe('Measured now; null where it could not be measured'),
    unit: shown(64).describe('What is said after the value: `req/s`, `events behind`, `% of traffic`'),
  })
  .describe('A measured figure')
  .meta({ id: 'PlanFigure' });
export type PlanFigure = z.infer<typeof PlanFigure>;

export const Touched = z
  .strictObject({
    kind: shown(64).describe('One of them, as it is called: `tenant`, `shard`, `node`, `session`'),
    ids: z.array(shown(200)).max(200).describe('Which, at most 200 of them'),
    count: z.int().min(1).describe('How many'),
    figures: z.array(PlanFigure).max(20).describe('What was measured of them all, in the order in which it is told'),
  })
  .describe('Things of one kind that a change touches')
  .meta({ id: 'Touched' });
export type Touched = z.infer<typeof Touched>;

export const BlastRadius = z
  .array(Touched)
  .max(20)
  .describe('Who and what would feel it: an entry for each kind of thing that is touched, and none for others')
  .meta({ id: 'BlastRadius' });
export type BlastRadius = z.infer<typeof BlastRadius>;

export const Plan = z
  .strictObject({
    hash: shown().describe('Quote it as Plan-Hash to run exactly this plan'),
    kind: shown().describe('Kind of the job'),
    risk: z.enum(['low', 'high']).describe('High-risk jobs must quote the hash'),
    checks: z.array(Check).max(1_000).describe('What was checked, with measured values'),
    steps: z.array(PlanStep).max(50).describe('What would be done, in order'),
    diff: z.array(Change).max(200).describe('What would change: the first 200 lines'),
    diff_total: z.int().describe('Lines of the whole diff'),
    diff_hash: z.string().max(64).describe('SHA-256 over the canonical form (RFC 8785) of the whole diff, hex'),
    blast_radius: BlastRadius,
    blockers: z
      .array(z.strictObject({ code: shown().describe('Id of the check'), detail: shown().describe('Why it blocks') }))
      .max(1_000)
      .describe('Checks that block; empty when the plan may run'),
    rollback: shown().describe('How the change is undone'),
    created_at: Timestamp.describe('When it was made'),
    expires_at: Timestamp.describe('When it stops being accepted'),
  })
  .describe('A preflight: what a change would do and why it is safe, without doing it')
  .meta({ id: 'Plan' });
export type Plan = z.infer<typeof Plan>;

export const JobStep = z
  .strictObject({
    name: shown().describe('Name, as in the plan'),
    title: shown().describe('Title, as in the plan'),
    state: z
      .enum(['pending', 'running', 'waiting', 'succeeded', 'failed', 'compensating', 'compensated', 'interrupted'])
      .describe(
        'State of the step; `waiting`: for a time, a signal or child jobs; `interrupted`: it was stopped half-way and has nothing to undo. No step of an ended job is `running`, `waiting` or `compensating`',
      ),
    attempts: z.number().int().describe('How often it was started'),
    started_at: Timestamp.nullable().describe('First start'),
    ended_at: Timestamp.nullable().describe('Last end'),
    duration_ms: z.number().nullable().describe('Milliseconds from start to end'),
    intent: Json.describe('What was recorded before the effect'),
    outcome: Json.describe('What the step returned'),
    problem: ProblemDocument.nullable().describe('Why it failed; null where it did not'),
  })
  .describe('One step as it ran')
  .meta({ id: 'JobStep' });
export type JobStep = z.infer<typeof JobStep>;

export const Proof = z
  .strictObject({
    checks: z.array(Check).max(1_000).describe('Post-conditions with measured values'),
    facts: z
      .record(shown(200), Json)
      .meta({ maxProperties: 200 })
      .describe('Measured facts, such as `lost`, `duplicated`, `write_pause_ms`'),
  })
  .describe('Evidence that the change holds')
  .meta({ id: 'Proof' });
export type Proof = z.infer<typeof Proof>;

export const Verdict = z.enum(VERDICTS).describe('What a signal says: go on, or do not');
export type Verdict = z.infer<typeof Verdict>;

export const Waiting = z
  .strictObject({
    for: z
      .enum(['lane', 'replica', 'time', 'signal', 'children'])
      .describe(
        '`lane`: another job holds its resource; `replica`: no replica that runs now knows what it is made of; `time`: until then; `signal`: for an approval, a webhook or evidence; `children`: for jobs that it started',
      ),
    what: shown().describe('Which lane, signal or jobs, or what of it is not known'),
    since: Timestamp.describe('Since when'),
    until: Timestamp.nullable().describe('When the wait ends by itself; null where it does not'),
    signal: z
      .strictObject({
        permission: shown().describe('Permission that who sends it must hold, on every tenant of the job'),
        except: shown().nullable().describe('Who may not send it; null where everybody with the permission may'),
        needed: z.int().describe('How many people must say `proceed`'),
        given: z
          .array(z.strictObject({ by: shown().describe('Who'), at: Timestamp.describe('When') }))
          .max(20)
          .describe('Who said `proceed` so far'),
      })
      .nullable()
      .describe('Who can end the wait; null where it is for no signal'),
  })
  .describe('What a job waits for');
export type Waiting = z.infer<typeof Waiting>;

export const Job = z
  .strictObject({
    job_id: JobId,
    kind: shown().describe('Kind: the id of the operation that submitted it'),
    state: JobState,
    actor: shown().describe('Who asked'),
    reason: shown().nullable().describe('Why, in their words'),
    environment: EnvironmentId.nullable().describe('Environment it is about; null where it is about what is global'),
    tenant_id: TenantId.nullable().describe('Tenant it is about; null for platform-wide jobs'),
    lane: shown().describe('Resource it holds while it runs: one job at a time'),
    input: Json.describe(`Parameters and body it was submitted with; \`${SECRET_SHOWN}\` in place of each secret`),
    secrets: z
      .array(shown(256))
      .max(MOST_SECRETS)
      .describe('Fields of its input that are secret, as `smtp/password`: to be given again when it is tried again'),
    plan: Plan,
    steps: z.array(JobStep).max(50).describe('Steps as they run'),
    proof: Proof.nullable().describe('Evidence; null until it succeeded'),
    problem: ProblemDocument.nullable().describe('Why it did not succeed; null otherwise'),
    undo: z
      .strictObject({
        operation: shown().describe('Operation id'),
        params: z.record(shown(64), shown(64)).meta({ maxProperties: 8 }).describe('Its path parameters'),
        body: Json.describe('Its body'),
      })
      .nullable()
      .describe('The call that reverses it; null where it cannot be reversed'),
    version: z.int().describe('Version of its definition: which steps it was planned with'),
    waiting: Waiting.nullable().describe('What it waits for; null where it goes on by itself, or has ended'),
    fence: z.number().int().describe('Fencing token: how often it was claimed'),
    owner: shown().nullable().describe('Replica that holds it'),
    parent_job_id: JobId.nullable().describe('Job that started it'),
    retry_of: JobId.nullable().describe('Job it repeats'),
    request_id: shown().describe('Request that submitted it'),
    trace_id: shown().nullable().describe('W3C trace id'),
    audit_record_id: RecordId.describe('Audit record of the submission'),
    created_at: Timestamp.describe('When it was submitted'),
    started_at: Timestamp.nullable().describe('When it was first claimed'),
    ended_at: Timestamp.nullable().describe('When it reached a final state'),
  })
  .describe('A job: one mutation from plan to proof')
  .meta({ id: 'Job' });
export type Job = z.infer<typeof Job>;

export const JobTicket = z
  .strictObject({ job_id: JobId, state: JobState })
  .describe('The job that was accepted')
  .meta({ id: 'JobTicket' });
export type JobTicket = z.infer<typeof JobTicket>;

export const JobSummary = z
  .strictObject({
    job_id: JobId,
    kind: Job.shape.kind,
    state: JobState,
    actor: Job.shape.actor,
    reason: Job.shape.reason,
    environment: Job.shape.environment,
    tenant_id: Job.shape.tenant_id,
    lane: Job.shape.lane,
    resource: shown().describe('What it is about: `tenant:acme`, `tenants:12`, `shard:a1` or `platform`'),
    about: z
      .strictObject({
        tenant_id: TenantId.nullable().describe('Tenant; null where it is about none or several'),
        tenant_count: z.int().nullable().describe('How many tenants, where it is about several; null otherwise'),
        kind: shown().nullable().describe('Service kind; null where it names none'),
        to: shown().nullable().describe('Target shard; null where it names none or several'),
        shard_id: shown().nullable().describe('Shard; null where it names none'),
        action: shown().nullable().describe('Which of two ways, such as `drain`; null where there is one'),
      })
      .describe('What a title needs to say of it'),
    waiting: Job.shape.waiting,
    steps: z
      .strictObject({
        total: z.number().int().describe('Steps it has'),
        done: z.number().int().describe('Steps that succeeded'),
      })
      .describe('How far it is'),
    problem: z
      .strictObject({
        code: ProblemDocument.shape.code,
        title: ProblemDocument.shape.title,
        detail: ProblemDocument.shape.detail,
      })
      .nullable()
      .describe('Why it did not succeed; null otherwise'),
    parent_job_id: Job.shape.parent_job_id,
    retry_of: Job.shape.retry_of,
    created_at: Job.shape.created_at,
    started_at: Job.shape.started_at,
    ended_at: Job.shape.ended_at,
  })
  .describe('A job as lists show it; `jobs.get` has its plan, steps, input and proof')
  .meta({ id: 'JobSummary' });
export type JobSummary = z.infer<typeof JobSummary>;
export const JobPage = pageOf(JobSummary).meta({ id: 'JobPage' });
