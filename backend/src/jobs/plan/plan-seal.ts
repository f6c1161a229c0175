/**
 * The hash of a plan: a seal that only the control plane can make, for one person, one change and one use (decision 0015).
 *
 * `<subject>.<plan id>.<expires>.<key>.<mac>`: `subject` is the same for the same plan of the same change, `plan id` is
 * spent with the job it makes, `expires` is in seconds to the base of 36, `key` is the mark of the CONTROL_KEY.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import canonicalize from 'canonicalize';
import { Problem } from '@cloudlysis/contract';
import type { ControlKey } from '../../secrets/control-key.ts';
import { assertAlive } from './plan-expiry.ts';

/** Who may apply the plan, and to what. */
export interface Bound {
  /** Identity of whoever asks; of a job that starts a job, its parent's. */
  readonly principal: string;
  readonly kind: string;
  readonly input: unknown;
  /** Keyed digests of its secrets, of which the input says nothing. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** Job that is tried again. */
  readonly retryOf: string | null;
}

/** A quoted hash whose seal holds. */
export interface Quoted {
  readonly subject: string;
  readonly planId: string;
}

export interface PlanSeal {
  /** `plan`: what would be done, and the world it relies on. */
  seal(bound: Bound, plan: unknown, expires: Date): string;
  /** @throws Problem `plan.stale` for a hash that was not given to this principal for this change, or that has expired */
  open(hash: string, bound: Bound, now: Date): Quoted;
}

const FORM = /^([\w-]{16})\.([\w-]{22})\.([0-9a-z]{6,8})\.([\w-]{7})\.([\w-]{43})$/;

const canonical = (...parts: readonly unknown[]): string => canonicalize(parts) ?? 'null';

/** The same for the same plan of the same change; any replica can hold a waiting job's plan against the world by it. */
export const subjectOf = (kind: string, input: unknown, plan: unknown): string =>
  createHash('sha256')
    .update(canonical(kind, unreasoned(input), plan))
    .digest('base64url')
    .slice(0, 16);

export const subjectIn = (hash: string): string | null => FORM.exec(hash)?.[1] ?? null;
export const planIdIn = (hash: string): string | null => FORM.exec(hash)?.[2] ?? null;

export function createPlanSeal(key: ControlKey, uuid: () => string): PlanSeal {
  const nonce = (): string => Buffer.from(uuid().replaceAll('-', ''), 'hex').toString('base64url');
  const secret = key.derived('plan-hash');
  const macOf = ({ principal, kind, input, retryOf, secrets }: Bound, ...head: readonly string[]): string =>
    createHmac('sha256', secret)
      .update(canonical(...head, principal, kind, unreasoned(input), retryOf, ...(secrets ? [secrets] : [])))
      .digest('base64url');
  return {
    seal(bound, plan, expires) {
      const head = [
        subjectOf(bound.kind, bound.input, plan),
        nonce(),
        (expires.getTime() / 1000).toString(36),
        key.mark,
      ];
      return [...head, macOf(bound, ...head)].join('.');
    },
    open(hash, bound, now) {
      const [, subject, planId, seconds, mark, mac] = FORM.exec(hash) ?? [];
      if (mac === undefined) throw stale('The Plan-Hash is not one that a preflight gave out');
      if (mark !== key.mark)
        throw stale('The plan was made under another CONTROL_KEY: preflight again; replicas must share one key');
      const expected = macOf(bound, subject!, planId!, seconds!, mark);
      if (!timingSafeEqual(Buffer.from(mac), Buffer.from(expected)))
        throw stale('The Plan-Hash was not given to you for this very change: preflight it yourself');
      assertAlive(new Date(parseInt(seconds!, 36) * 1000), now);
      return { subject: subject!, planId: planId! };
    },
  };
}

const stale = (detail: string): Problem => new Problem('plan.stale', detail);

/** The reason may be given after the plan was seen. */
const unreasoned = (input: unknown): unknown => {
  if (typeof input !== 'object' || input === null || !('reason' in input)) return input;
  const { reason: _reason, ...rest } = input;
  return rest;
};
