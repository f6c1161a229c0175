/** Refusals into the audit log (design, rule 4): the first at once, repeated ones as one record with a count; a flood of anonymous ones is counted. */
import type { Problem, ProblemCode } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../ambient.ts';
import type { AuditDraft, AuditLog } from '../audit/audit-log.ts';
import type { Principal, Provenance } from '../principal.ts';
import type { HttpMetrics } from './http-metrics.ts';
import { TokenBuckets } from './token-bucket.ts';

const AUDITED_STATUS: readonly number[] = [401, 403, 409, 423];
const AUDITED_CODES: readonly ProblemCode[] = ['idempotency.key_reused'];

export const isRefusal = (problem: Problem): boolean =>
  AUDITED_STATUS.includes(problem.status) || AUDITED_CODES.includes(problem.code);

export interface Refused {
  readonly operation: string;
  readonly principal: Principal | null;
  readonly tenantId: string | null;
  readonly provenance: Provenance;
}

export interface RefusalLog {
  /** Never throws: a refusal is given whether or not it could be recorded. */
  record(problem: Problem, refused: Refused): Promise<void>;
  /** Writes what was only counted so far. */
  flush(): Promise<void>;
}

interface RefusalDeps {
  readonly audit: AuditLog;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly metrics: HttpMetrics;
}

/** Per address a burst of 10 and one every 2 s; together 100 and 10/s, because one attacker may have many addresses. */
const PER_ADDRESS = { perSecond: 0.5, burst: 10 };
const TOGETHER = { perSecond: 10, burst: 100 };

/** A window follows each record and is four times as long as the one before: 10 s, 40 s, … 15 min. */
const WINDOW_MS = 10_000;
const LONGEST_MS = 900_000;
/** Different refusals remembered; who makes more has them counted together. */
const REMEMBERED = 2_000;

/** One kind of refusal: the same principal, operation, tenant and code. */
interface Repeated {
  draft: AuditDraft;
  count: number;
  first: Date;
  last: Date;
  windowMs: number;
  until: number;
  cancel: (() => void) | null;
}

export function refusalLog({ audit, ambient, logger, metrics }: RefusalDeps): RefusalLog {
  const monotonic = () => ambient.monotonic();
  const addresses = new TokenBuckets(monotonic, PER_ADDRESS.perSecond, PER_ADDRESS.burst);
  const together = new TokenBuckets(monotonic, TOGETHER.perSecond, TOGETHER.burst);
  let suppressed = 0;

  const repeated = new Map<string, Repeated>();

  /** True when it was counted and a later record tells of it. After a kill that is not waited for, the counts of open windows are lost. */
  function isCounted(draft: AuditDraft, principal: Principal): boolean {
    const now = ambient.monotonic();
    const kind = [principal.id, principal.onBehalfOf, draft.action, draft.tenantId ?? null, draft.problem];
    let key = JSON.stringify(kind);
    if (!repeated.has(key) && repeated.size >= REMEMBERED) {
      for (const [old, { count, until }] of repeated) if (count === 0 && until <= now) repeated.delete(old);
      if (repeated.size >= REMEMBERED) key = 'overflow';
    }
    const before = repeated.get(key);
    if (before && (before.count > 0 || now < before.until)) {
      const at = ambient.now();
      if (before.count === 0) before.first = at;
      before.count += 1;
      before.last = at;
      before.draft = draft;
      before.cancel ??= ambient.after(Math.max(0, before.until - now), () => void tell(key));
      return true;
    }
    // Silent for as long as its window: it starts small again.
    const windowMs =
      before && now < before.until + before.windowMs ? Math.min(LONGEST_MS, before.windowMs * 4) : WINDOW_MS;
    repeated.delete(key);
    const at = ambient.now();
    repeated.set(key, { draft, count: 0, first: at, last: at, windowMs, until: now + windowMs, cancel: null });
    return false;
  }

  async function tell(key: string): Promise<void> {
    const one = repeated.get(key);
    if (!one || one.count === 0) return;
    one.cancel?.();
    const { draft, count, first, last } = one;
    one.count = 0;
    one.cancel = null;
    one.windowMs = Math.min(LONGEST_MS, one.windowMs * 4);
    one.until = ambient.monotonic() + one.windowMs;
    const more = { count, first_at: first.toISOString(), last_at: last.toISOString() };
    const several = key === 'overflow' ? { action: 'unknown', actor: 'system:refusals', resource: 'operation:unknown', tenantId: null, problem: null } : {}; // prettier-ignore
    const words =
      key === 'overflow' ? { detail: 'More different refusals than are told apart' } : (draft.after as object);
    await append({ ...draft, ...several, after: { ...words, ...more } }, 0);
  }

  async function append(draft: AuditDraft, counted: number): Promise<void> {
    try {
      await audit.append(draft);
      audit.wake();
    } catch (error) {
      suppressed += counted;
      metrics.refusalUnrecorded('audit_unavailable');
      logger.error({ err: error, action: draft.action, problem: draft.problem }, 'refusal without an audit record');
    }
  }

  async function record(problem: Problem, refused: Refused): Promise<void> {
    const { principal, provenance } = refused;
    if (!principal && (addresses.take(provenance.ip ?? '') > 0 || together.take('') > 0)) {
      suppressed++;
      return metrics.refusalUnrecorded('flood');
    }
    const counted = principal ? 0 : suppressed;
    suppressed -= counted;
    const draft: AuditDraft = {
      code: 'request.refused',
      action: refused.operation,
      actor: principal ?? 'anonymous',
      resource: refused.tenantId ? `tenant:${refused.tenantId}` : `operation:${refused.operation}`,
      tenantId: refused.tenantId,
      outcome: 'refused',
      problem: problem.code,
      provenance,
      after: { detail: problem.message, ...(counted > 0 ? { suppressed_before: counted } : {}) },
    };
    if (principal && isCounted(draft, principal)) return;
    await append(draft, counted);
  }

  async function flush(): Promise<void> {
    await Promise.all([...repeated.keys()].map(tell));
    const counted = suppressed;
    if (counted === 0) return;
    suppressed = 0;
    const draft: AuditDraft = {
      code: 'request.refused',
      action: 'unknown',
      actor: 'anonymous',
      resource: 'operation:unknown',
      outcome: 'refused',
      after: { suppressed_before: counted },
    };
    await append(draft, counted);
  }
  return { record, flush };
}
