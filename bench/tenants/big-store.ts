// Fills a store as years of use would: tenants with their placements, and audit records on a chain that verifies.
import type { Db } from 'mongodb';
import { pendingRecord, type PlacedRecord } from '../../backend/src/audit/record/audit-record.ts';
import { place, type Head } from '../../backend/src/audit/record/chain.ts';
import { systemAmbient } from '../../backend/src/kernel/ambient.ts';
import { PLACED_KINDS } from '../../contract/src/words.ts';

const BATCH = 1_000;

export const tenantName = (n: number): string => `bench-${String(n).padStart(5, '0')}`;

export async function fillTenants(db: Db, count: number): Promise<void> {
  const at = new Date();
  for (let from = 0; from < count; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => tenantName(from + n));
    const tenants = ids.map((_id, n) => ({
      _id: _id as never, phase: 'live', paused: null, archived: null, state_since: at, job_id: 'seed', version: 1, created_at: at,
      updated_at: at,
      metadata: {
        name: `Bench ${n}`, plan: n % 3 === 0 ? 'pro' : 'free', quotas: { commands: 100 }, feature_flags: { beta: false },
        contact: { email: `owner@${_id}.test`, phone: null }, billing: {}, environments: ['dev'],
      },
    })); // prettier-ignore
    const placements = ids.flatMap((tenant_id, n) =>
      PLACED_KINDS.map((kind) => ({
        _id: `${kind}.${tenant_id}` as never, tenant_id, kind, shard_id: `${kind[0]}${(n % 2) + 1}`, revision: 1, job_id: 'seed',
      })),
    ); // prettier-ignore
    await db.collection('tenants').insertMany(tenants);
    await db.collection('placements').insertMany(placements);
  }
}

/** When the oldest of the jobs was submitted; 5 000 that follow a minute apart end about now. */
const FIRST_JOB = Date.now() - 5_000 * 60_000;
export const jobPlace = (n: number): string => `${orderOf(n)} ${jobName(n)}`;
const orderOf = (n: number): number => (FIRST_JOB + n * 60_000) * 4096;
const jobName = (n: number): string => `job_01935c5e-6f00-7a3b-9c1d-${String(n).padStart(12, '0')}`;

/** Eleven indexes each: a thousand of them take the embedded store longer than a connection waits. */
const JOB_BATCH = 200;

/** Jobs that ended; no audit record speaks of them. */
export async function fillJobs(db: Db, count: number): Promise<void> {
  for (let from = 0; from < count; from += JOB_BATCH) {
    const jobs = Array.from({ length: Math.min(JOB_BATCH, count - from) }, (_, n) => {
      const at = new Date(FIRST_JOB + (from + n) * 60_000);
      const id = jobName(from + n);
      return {
        _id: id as never, order: orderOf(from + n), shape: 3, decision: null, version: 1, parked: null, kind: 'tenants.update', risk: 'low',
        permission: 'tenants.update', state: 'succeeded', lane: 'tenant:acme', active: false, queue: null, owner: null, fence: 1,
        direction: 'forward', idempotency: id, request_hash: '', plan_id: id, input: { tenant_id: tenantName(n), metadata: { plan: 'pro' } },
        plan: {
          hash: 'h', kind: 'tenants.update', risk: 'low', checks: [], steps: [], diff: [], diff_total: 0, diff_hash: '', blockers: [],
          blast_radius: [], rollback: 'the old values are kept', created_at: at.toISOString(), expires_at: at.toISOString(),
        },
        steps: [], actor: `user:user-${n % 50}@example.test`, reason: 'a benchmark', tenant_id: tenantName(n), resource: 'tenant:acme',
        cancel: null, problem: null, proof: { checks: [], facts: {} }, undo: null, parent_job_id: null, retry_of: null,
        provenance: { requestId: 'r', traceId: null, ip: null, agent: null }, audit_record_id: 'aud_x', created_at: at, started_at: at,
        ended_at: at,
      };
    }); // prettier-ignore
    await db.collection('jobs').insertMany(jobs);
  }
}

/** Only while no sequencer runs: the head is moved without asking. */
export async function fillAudit(db: Db, count: number): Promise<void> {
  const ambient = systemAmbient();
  const heads = db.collection<Head>('audit_head');
  let head = (await heads.findOne({ _id: 'head' })) as Head;
  for (let filled = 0; filled < count; filled += BATCH) {
    const at = ambient.now();
    const drafts = Array.from({ length: BATCH }, (_, n) =>
      pendingRecord(
        {
          code: 'job.submitted', action: n % 2 ? 'scale.migrate' : 'tenants.update', actor: `user:user-${n % 50}@example.test`,
          resource: `tenant:${tenantName(n)}`, tenantId: tenantName(n), outcome: n % 2 ? 'requested' : 'succeeded',
          reason: 'a benchmark', before: { plan: 'free' }, after: { plan: 'pro' },
          provenance: { requestId: ambient.id('req'), traceId: null, ip: '127.0.0.1', agent: 'bench' },
        },
        ambient.id('aud'), at, 'dev',
      ),
    ); // prettier-ignore
    const { records, sealed, tip } = place(head, drafts);
    await db.collection<PlacedRecord>('audit_records').insertMany([...records]);
    if (sealed.length > 0) await db.collection('audit_segments').insertMany([...sealed]);
    head = { ...head, ...tip };
  }
  const { seq, hash, open } = head;
  await heads.updateOne({ _id: 'head' }, { $set: { seq, hash, open }, $inc: { beat: 1 } });
}
