// The one error type that may leave a node: RFC 9457 problem+json with a stable code.
const STATUS = {
  'request.invalid': 400,
  'tenant.mismatch': 400,
  'auth.required': 401,
  'tenant.forbidden': 403,
  'route.unknown': 404,
  'tenant.unknown': 404,
  'view.unknown': 404,
  'rebuild.unknown': 404,
  'method.unknown': 405,
  'drain.refused': 409,
  'body.too_large': 413,
  'command.declined': 422,
  'tenant.paused': 423,
  'tenant.busy': 429,
  'internal.error': 500,
  'command.failed': 500,
  'tenant.draining': 503,
  'tenant.unavailable': 503,
  'nats.unavailable': 503,
} as const;
export type ProblemCode = keyof typeof STATUS;

export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  constructor(code: ProblemCode, detail: string) {
    super(detail);
    this.code = code;
    this.status = STATUS[code];
  }

  toJSON(): { title: string; status: number; code: ProblemCode; detail: string } {
    return { title: this.code.replace(/[._]/g, ' '), status: this.status, code: this.code, detail: this.message };
  }
}

export const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(STATUS, code);
