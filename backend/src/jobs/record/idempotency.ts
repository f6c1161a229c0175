/** Pure: under which key a job is found again. A digest of parts and not their join, so that no two askers share one. */
import { createHash } from 'node:crypto';
import { actorBefore } from '../../call/identity-name.ts';

export interface IdempotencyKey {
  readonly key: string;
  /** How version 0.1 kept the same job. Its keys were joined with colons, so what else they name is compared, too. */
  readonly earlier: { readonly idempotency: string; readonly actor: string; readonly parent_job_id: string | null };
}

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** Of a change that somebody asks for: theirs alone. */
export function callKey(actor: string, given: string): IdempotencyKey {
  const before = actorBefore(actor);
  const earlier = { idempotency: `${before}:${given}`, actor: before, parent_job_id: null };
  return { key: digest('call', actor, given), earlier };
}

/** Of a job that a job starts: its parent's alone, whoever asked for it, and out of reach of what a caller may send. */
export function childKey(actor: string, parentJobId: string, given: string): IdempotencyKey {
  const before = actorBefore(actor);
  const idempotency = `${before}:child:${parentJobId}:${given}`;
  return {
    key: digest('child', parentJobId, given),
    earlier: { idempotency, actor: before, parent_job_id: parentJobId },
  };
}
