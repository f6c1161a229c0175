/**
 * Every way an answer can be a refusal: one catalogue of stable codes, each with its status and title; `final` is a 5xx that
 * another attempt of a step would only meet again. Without zod: every page has it.
 */
export const PROBLEMS = {
  'request.malformed': { status: 400, title: 'The request cannot be read' },
  'request.invalid': { status: 422, title: 'The request does not fit the contract' },
  'request.too_large': { status: 413, title: 'The body is larger than the operation takes' },
  'request.media_type': { status: 415, title: 'The body must be application/json' },
  'cursor.invalid': { status: 422, title: 'The cursor is not one of ours' },
  'route.unknown': { status: 404, title: 'No such operation' },
  'method.not_allowed': { status: 405, title: 'The operation does not take this method' },
  'token.missing': { status: 401, title: 'A token is required' },
  'token.invalid': { status: 401, title: 'The token is not valid' },
  'token.expired': { status: 401, title: 'The token has expired' },
  'issuer.unavailable': { status: 503, title: 'The keys of the token’s issuer cannot be read' },
  'step_up.required': { status: 401, title: 'A recent second factor is required' },
  'permission.missing': { status: 403, title: 'The permission is missing' },
  'rate.limited': { status: 429, title: 'Too many requests' },
  'concurrency.limited': { status: 429, title: 'Too many of these are under way' },
  'idempotency.key_missing': { status: 400, title: 'The Idempotency-Key header is required' },
  'idempotency.key_reused': { status: 422, title: 'The idempotency key was used for another request' },
  'plan.required': { status: 428, title: 'The Plan-Hash header is required: show the plan first' },
  'plan.stale': { status: 409, title: 'The plan no longer fits the world: preflight again' },
  'plan.used': { status: 409, title: 'The plan was used already: preflight again' },
  'preflight.blocked': { status: 409, title: 'A check blocks the change' },
  'lane.busy': { status: 409, title: 'Another job holds this resource' },
  'resource.unknown': { status: 404, title: 'There is no such thing' },
  'version.stale': { status: 409, title: 'Someone changed this first' },
  'environment.unknown': { status: 404, title: 'No such environment' },
  'environment.required': { status: 400, title: 'Which environment is not said' },
  'tenant.unknown': { status: 404, title: 'No such tenant' },
  'tenant.exists': { status: 409, title: 'The tenant exists already' },
  'tenant.state': { status: 409, title: 'The tenant is not in a state that allows this' },
  'tenant.locked': { status: 423, title: 'The tenant is locked' },
  'shard.unknown': { status: 404, title: 'No such shard' },
  'shard.kind_mismatch': { status: 422, title: 'The shard serves another kind' },
  'placement.unknown': { status: 404, title: 'The tenant has no placement of this kind' },
  'placement.unchanged': { status: 409, title: 'The tenant is on that shard already' },
  'placement.read_only': { status: 409, title: 'Placement comes from a static file here' },
  'job.unknown': { status: 404, title: 'No such job' },
  'signal.unknown': { status: 404, title: 'The job waits for no such signal' },
  'signal.refused': { status: 409, title: 'The signal that the job waited for refuses it' },
  'wait.expired': { status: 409, title: 'What the job waited for did not come in time' },
  'job.state': { status: 409, title: 'The job is not in a state that allows this' },
  'job.unfamiliar': { status: 503, title: 'This replica does not know what the job is made of' },
  'secret.needed': { status: 422, title: 'A secret must be given again' },
  'secret.unreadable': { status: 409, title: 'A sealed secret cannot be opened' },
  'record.unreadable': { status: 502, title: 'A stored record cannot be read' },
  'record.unknown': { status: 404, title: 'No such audit record' },
  'drain.refused': { status: 409, title: 'The node refuses to drain' },
  'drain.not_converging': { status: 504, title: 'The drain did not converge in its time', final: true },
  'verify.failed': { status: 500, title: 'A post-condition does not hold', final: true },
  'step.failed': { status: 500, title: 'A step failed' },
  'step.deadline': { status: 504, title: 'A step overran its deadline' },
  'compensation.failed': { status: 500, title: 'A step could not be undone' },
  'node.unreachable': { status: 502, title: 'A node cannot be reached' },
  'node.timeout': { status: 504, title: 'A node did not answer in time' },
  'node.invalid_answer': { status: 502, title: 'A node gave an answer outside the platform contract' },
  'node.stranger': { status: 502, title: 'What answers there is not this node' },
  'node.forbidden_host': { status: 422, title: 'The address is not on the outbound allowlist' },
  'store.unavailable': { status: 503, title: 'The database cannot be reached' },
  'store.limit_reached': { status: 409, title: 'The database is at a limit' },
  'bus.limit_reached': { status: 409, title: 'NATS is at a limit' },
  'bus.unavailable': { status: 503, title: 'NATS cannot be reached' },
  'request.deadline': { status: 503, title: 'The answer took too long' },
  'audit.verifying': { status: 503, title: 'The chain is being walked: ask again' },
  'audit.unavailable': { status: 503, title: 'The audit log cannot be written, so nothing is changed' },
  'service.stopping': { status: 503, title: 'This replica is stopping' },
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<string, { status: number; title: string; final?: true }>;
export type ProblemCode = keyof typeof PROBLEMS;

/** What the client is told of a problem (RFC 9457). */
interface Told {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail: string;
  instance?: string | undefined;
  [more: string]: unknown;
}

/** The one error type. A driver's error is turned into one at the driver's own edge and never travels further. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: ProblemCode, detail?: string, extra: Record<string, unknown> = {}, cause?: unknown) {
    super(detail ?? PROBLEMS[code].title, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.extra = extra;
  }

  /** What the client sees: neither stack nor cause. */
  toDocument(instance?: string): Told {
    return {
      ...this.extra,
      type: `/problems/${this.code}`,
      title: PROBLEMS[this.code].title,
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(instance === undefined ? {} : { instance }),
    };
  }
}
