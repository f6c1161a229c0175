// What operators do again and again in these tests, and looking at where things are afterwards.
import { randomUUID } from 'node:crypto';
import { Kvm } from '@nats-io/kv';
import {
  Problem,
  type AuditRecord,
  type Client,
  type Job,
  type MutationId,
  type MutationInput,
  type Placement,
  type ServiceKind,
  type SubmitInput,
} from '@cloudlysis/contract';
import { readLog, checkLog, type LogProof } from '../dataplane/src/load/verify-log.ts';
import type { Stack } from '../backend/testing/stack.ts';

/**
 * Preflight, then submit with the plan's hash, then follow to the end. Where the world moved between the two, such as a
 * node of a busy machine that is silent for a moment, it does what the refusal says: preflight again.
 */
export async function carryOut<K extends MutationId>(
  client: Client,
  kind: K,
  input: MutationInput<K>,
  idempotencyKey: string = randomUUID(),
): Promise<Job> {
  for (let left = 2; ; left -= 1) {
    try {
      const job = await submit(client, kind, input, idempotencyKey);
      return await client.follow(job, () => undefined, AbortSignal.timeout(50_000));
    } catch (error) {
      if (left === 0 || !(error instanceof Problem) || error.code !== 'plan.stale') throw error;
    }
  }
}

/** Preflight and submit; the job's id. */
export async function submit<K extends MutationId>(
  client: Client,
  kind: K,
  input: MutationInput<K>,
  idempotencyKey: string = randomUUID(),
): Promise<string> {
  const plan = await client.preflight(kind, input);
  const wanted = { ...input, idempotencyKey, planHash: plan.hash } as unknown as SubmitInput<K>;
  return (await client.submit(kind, wanted)).job.job_id;
}

/** The problem a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<Problem> {
  const answer = await call.then(
    (value) => value,
    (error: unknown) => error,
  );
  if (answer instanceof Problem) return answer;
  throw new Error(`expected a problem, got ${answer instanceof Error ? answer.stack : JSON.stringify(answer)}`);
}

export async function placementOf(client: Client, tenantId: string, kind: ServiceKind): Promise<Placement> {
  const { items } = await client.read('scale.placements.list', { query: { tenant_id: tenantId, kind } });
  return items[0]!;
}

/** The other one of the two shards of a kind. */
export const otherShard = (shardId: string): string => shardId[0]! + (shardId[1] === '1' ? '2' : '1');

export const auditOf = async (client: Client, jobId: string): Promise<AuditRecord[]> =>
  (await client.read('audit.records.list', { query: { job_id: jobId, limit: 200 } })).items;

export async function published(stack: Stack, kind: ServiceKind, tenantId: string): Promise<PublishedEntry | null> {
  return entry(stack, 'placement', `${kind}.${tenantId}`);
}

export interface PublishedEntry {
  readonly shard: string;
  readonly revision: number;
}

/** A value of a KV bucket, read past the control plane. */
export async function entry<T>(stack: Stack, bucket: string, key: string): Promise<T | null> {
  const kv = await new Kvm(stack.nc).open(bucket, { allow_direct: false });
  const found = await kv.get(key);
  return found && found.operation === 'PUT' ? found.json<T>() : null;
}

export async function putEntry(stack: Stack, bucket: string, key: string, value: unknown): Promise<void> {
  const kv = await new Kvm(stack.nc).open(bucket, { allow_direct: false });
  await kv.put(key, JSON.stringify(value));
}

/** The tenant's log read whole: versions 1, 2, 3 … and no command twice. */
export const logProof = async (stack: Stack, tenantId: string): Promise<LogProof> =>
  checkLog(await readLog(stack.nc, tenantId), new Map());

/** A sample of one metric of the first replica; sums over labels. */
export async function metric(stack: Stack, name: string, replica = 0): Promise<number> {
  const text = await (await fetch(`${stack.url(replica)}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
