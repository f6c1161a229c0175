/** Refusals into the audit log: the first at once, repeated ones as one record with a count; so are those of one address without a principal. */
import type { Problem, ProblemCode } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditDraft, AuditLog } from '../../audit/record/audit-log.ts';
import type { Principal, Provenance } from '../../call/principal.ts';
import type { HttpMetrics } from '../answer/http-metrics.ts';
import { RepeatedRefusals } from './repeated-refusals.ts';
import { TokenBuckets } from './token-bucket.ts';

const AUDITED_STATUS: readonly number[] = [401, 403, 409, 423];
const AUDITED_CODES: readonly ProblemCode[] = ['idempotency.key_reused'];

export const isRefusal = (problem: Problem): boolean =>
  AUDITED_STATUS.includes(problem.status) || AUDITED_CODES.includes(problem.code);

export interface Refused {
  readonly operation: string;
  readonly principal: Principal | null;
  readonly tenantId: string | null;
  /** Of the path, as they were sent. */
  readonly params?: Readonly<Record<string, string>> | undefined;
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

/** Anonymous records of all addresses together, because one attacker may have many: 100 at once and 10/s. */
const TOGETHER = { perSecond: 10, burst: 100 };

export function createRefusalLog({ audit, ambient, logger, metrics }: RefusalDeps): RefusalLog {
  const together = new TokenBuckets(() => ambient.monotonic(), TOGETHER.perSecond, TOGETHER.burst);
  let suppressed = 0;
  const repeated = new RepeatedRefusals(ambient, (draft) => append(draft, 0));
  /** Apart from those of principals, whose room no stranger can take. */
  const strangers = new RepeatedRefusals(ambient, async (draft) => {
    if (together.take('') === 0) return append(draft, 0);
    suppressed += draft.repeated?.count ?? 0;
    metrics.refusalUnrecorded('flood');
  });

  async function append(draft: AuditDraft, counted: number): Promise<void> {
    try {
      await audit.append(draft);
      audit.wake();
    } catch (error) {
      suppressed += counted + (draft.repeated?.count ?? 0);
      metrics.refusalUnrecorded('audit_unavailable');
      logger.error({ err: error, action: draft.action, problem: draft.problem }, 'refusal without an audit record');
    }
  }

  async function record(problem: Problem, refused: Refused): Promise<void> {
    const { principal, provenance } = refused;
    const resource = resourceOf(refused);
    const draft: AuditDraft = {
      code: 'request.refused',
      action: refused.operation,
      actor: principal ?? 'anonymous',
      resource,
      tenantId: refused.tenantId,
      outcome: 'refused',
      problem: problem.code,
      provenance,
      after: { detail: problem.message },
    };
    if (principal) {
      const kind = [principal.onBehalfOf, draft.action, resource, problem.code];
      return repeated.isCounted(principal.id, kind, draft) ? undefined : append(draft, 0);
    }
    if (strangers.isCounted(provenance.ip ?? '', [problem.code, problem.message], draft)) return;
    if (together.take('') > 0) {
      suppressed++;
      return metrics.refusalUnrecorded('flood');
    }
    const counted = suppressed;
    suppressed = 0;
    const after = { detail: problem.message, ...(counted > 0 ? { suppressed_before: counted } : {}) };
    await append({ ...draft, after }, counted);
  }

  async function flush(): Promise<void> {
    await Promise.all([repeated.flush(), strangers.flush()]);
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

/** What was not to be touched; a stranger's words for it are not kept. */
function resourceOf({ operation, principal, tenantId, params }: Refused): string {
  if (tenantId) return `tenant:${tenantId}`;
  const [named] = principal ? Object.entries(params ?? {}) : [];
  return named ? `${named[0].replace(/_id$/, '')}:${named[1]}` : `operation:${operation}`;
}
