/** What went wrong, as the pages tell it: what it is, what it means, what to do. Pure. */
import { Problem, type ProblemCode } from '@cloudlysis/contract';

export type FaultKind =
  | 'unreachable' | 'not-configured' | 'signed-out' | 'token-refused' | 'role-refused' | 'forbidden' | 'not-found'
  | 'conflict' | 'locked' | 'invalid' | 'rate-limited' | 'unavailable' | 'failed'; // prettier-ignore

export interface Fault {
  readonly kind: FaultKind;
  readonly title: string;
  /** What happened this time, with measured values where the service gave them. */
  readonly detail: string;
  /** What to do; absent where the detail says it. */
  readonly remedy?: string;
  /** Stable problem code; absent where something in between answered. */
  readonly code?: string;
  /** What to quote when asking for help. */
  readonly requestId?: string;
  /** Whether the same request may succeed later. */
  readonly passing: boolean;
}

type Said = Pick<Fault, 'title' | 'detail' | 'remedy'>;

const UNREACHABLE: Said = {
  title: 'The control plane does not answer',
  detail: 'Grafana could not reach the service. Running jobs go on without this page.',
  remedy:
    'The page tries again by itself. If it stays away, look at the service and at the address under Configuration.',
};

/** Answers without a problem document come from Grafana or from something between it and the service. */
const FROM_GRAFANA: Record<number, Said & { kind: FaultKind }> = {
  401: {
    kind: 'signed-out',
    title: 'Your Grafana session has ended',
    detail: 'Grafana no longer knows who you are.',
    remedy: 'Sign in again; this page keeps its address.',
  },
  403: {
    kind: 'role-refused',
    title: 'Your Grafana role does not open this',
    detail: 'Changes go through Grafana’s plugin proxy, which lets Editors and Admins ask for them.',
    remedy: 'Ask a Grafana admin for the Editor role in this organisation.',
  },
  404: {
    kind: 'not-configured',
    title: 'The plugin has no way to the control plane',
    detail:
      'Grafana has no route for this request: the plugin is not set up, or Grafana needs a restart after an update.',
    remedy: 'Enter the address of the service under Configuration.',
  },
};

const BY_STATUS: Record<number, FaultKind> = {
  401: 'token-refused', 403: 'forbidden', 404: 'not-found', 409: 'conflict', 412: 'conflict', 413: 'invalid', 422: 'invalid',
  423: 'locked', 428: 'conflict', 429: 'rate-limited', 502: 'failed', 503: 'unavailable', 504: 'failed',
}; // prettier-ignore

const REMEDIES: Partial<Record<FaultKind, string>> = {
  'token-refused': 'The service refuses the token of this plugin. A Grafana admin enters it under Configuration.',
  locked: 'Wait until the other change has ended; it is under Jobs.',
  unavailable: 'Try again in a moment: the same change is never made twice.',
};

const MOVED_ON = 'Look at the plan again: it is made anew from what is there now.';
/** Where the kind alone does not tell what helps. */
const REMEDIES_BY_CODE: Partial<Record<ProblemCode, string>> = {
  'plan.stale': MOVED_ON,
  'plan.used': MOVED_ON,
  'version.stale': MOVED_ON,
  'lane.busy': 'Wait until the other change has ended; it is under Jobs.',
};

const PASSING: readonly FaultKind[] = ['unreachable', 'unavailable', 'rate-limited', 'locked'];

const fault = (kind: FaultKind, said: Said, rest: Partial<Fault> = {}): Fault => ({
  kind,
  passing: PASSING.includes(kind),
  ...said,
  ...rest,
});

export function faultOf(error: unknown): Fault {
  if (!(error instanceof Problem)) {
    return fault('unreachable', UNREACHABLE);
  }
  const between = error.extra['http_status'];
  return typeof between === 'number' ? fromBetween(between) : fromService(error);
}

function fromBetween(status: number): Fault {
  const known = FROM_GRAFANA[status];
  if (known) {
    return fault(known.kind, known);
  }
  return status >= 500 ? fault('unreachable', UNREACHABLE) : fault('failed', unexplained(status));
}

const unexplained = (status: number): Said => ({
  title: 'The request failed',
  detail: `Something between Grafana and the service answered HTTP ${status} without saying why.`,
});

function fromService(problem: Problem): Fault {
  const document = problem.toDocument();
  const kind = BY_STATUS[problem.status] ?? 'failed';
  const wait = problem.extra['retry_after_s'];
  const byKind = kind === 'rate-limited' ? `Try again in ${typeof wait === 'number' ? wait : 1} s.` : REMEDIES[kind];
  const remedy = REMEDIES_BY_CODE[problem.code] ?? byKind;
  const instance = problem.extra['instance'];
  return fault(
    kind,
    { title: document.title, detail: document.detail, remedy },
    {
      code: problem.code,
      ...(typeof instance === 'string' ? { requestId: instance } : {}),
    }
  );
}
