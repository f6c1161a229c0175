/** Refusals into the audit log (design, rule 4), each once; a flood of anonymous ones is counted instead of written. */
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

export function refusalLog({ audit, ambient, logger, metrics }: RefusalDeps): RefusalLog {
  const monotonic = () => ambient.monotonic();
  const addresses = new TokenBuckets(monotonic, PER_ADDRESS.perSecond, PER_ADDRESS.burst);
  const together = new TokenBuckets(monotonic, TOGETHER.perSecond, TOGETHER.burst);
  let suppressed = 0;

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
    await append(draft, counted);
  }

  async function flush(): Promise<void> {
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
