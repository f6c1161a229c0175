/** Nodes over HTTP: the clauses of the platform contract as calls, every answer checked against its shape. */
import { z } from 'zod';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { allowlist } from './allowlist.ts';
import { strangerIn } from './identity.ts';
import { createNodeHttp, type NodeAnswer, type NodeCall, type NodeHttp } from './node-http.ts';
import type {
  MetricSample,
  NodeAddress,
  NodeClient,
  NodeDrain,
  NodeReadiness,
  NodeRoute,
  NodesPort,
  NodeState,
} from './nodes-port.ts';
import { sampleOf } from './prometheus.ts';

export interface NodesOptions {
  readonly ambient: Ambient;
  /** What may be called, comma-separated: `host:port` or `host:first-last`. */
  readonly allowlist: string;
  /** Bearer of the admin endpoints; NODE_ADMIN_TOKEN. */
  readonly token?: string | undefined;
}

const MAX_TENANTS = 100_000;
const MAX_SAMPLES = 100_000;
const count = z.number().int().nonnegative();
const Readiness: z.ZodType<NodeReadiness> = z.object({
  ready: z.boolean(),
  dependencies: z
    .array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() }))
    .max(100)
    .default([]),
});
const Route: z.ZodType<NodeRoute> = z.object({
  kind: z.string().max(64),
  tenant_id: z.string().max(64),
  shard_id: z.string().max(64),
  revision: count,
});
/** A gateway routes each tenant twice. */
const MAX_ROUTES = 2 * MAX_TENANTS;
const RoutesPage = z.object({ routes: z.array(Route).max(5_000), next: z.string().max(160).nullable() });
const Follower = z.object({
  bucket: z.string().max(64),
  behind_since: z.string().max(64).nullable(),
  detail: z.string().max(500).nullish(),
});
const State: z.ZodType<NodeState> = z.object({
  service: z.string().max(64),
  version: z.string().max(128),
  git_sha: z.string().max(128),
  shard_id: z.string().max(64),
  placement_revision: count,
  config_revision: count,
  draining: z.boolean(),
  // A clock that cannot be read takes nobody out of service.
  now: z.string().max(64).optional().catch(undefined),
  tenants: z
    .array(
      z.object({
        tenant_id: z.string().max(64),
        placement_revision: count,
        state: z.enum(['serving', 'draining', 'drained', 'paused']),
        in_flight: count,
      }),
    )
    .max(MAX_TENANTS),
  followers: z.array(Follower).max(20).optional(),
  routes: z.array(Route).max(10).optional(),
});
const Drain: z.ZodType<NodeDrain> = z.object({
  draining: z.boolean(),
  tenants: z
    .array(z.object({ tenant_id: z.string().max(64), state: z.string().max(32), in_flight: count }))
    .max(MAX_TENANTS),
});
const Refusal = z.object({ code: z.string().max(64).optional(), detail: z.string().max(500).optional() });

export function createNodes({ ambient, allowlist: list, token }: NodesOptions): NodesPort {
  const allowed = allowlist(list);
  const http = createNodeHttp(ambient, allowed, token);
  return { at: (address) => clientOf(http, address), assertAllowed: (endpoint) => void allowed(endpoint) };
}

function clientOf(http: NodeHttp, to: NodeAddress): NodeClient {
  const { endpoint } = to;
  const send = (method: NodeCall['method'], path: string, body?: unknown, signal?: AbortSignal): Promise<NodeAnswer> =>
    http({ to, guarded: path.startsWith('/admin/'), method, path, body, signal });
  /** Who answers outside the contract may not be the node any more. */
  const ok = <T>(schema: z.ZodType<T>, where: string, answer: NodeAnswer): T => {
    try {
      return answered(schema, where, answer);
    } catch (error) {
      http.doubt(to);
      throw error;
    }
  };
  /** Another node may have come to its address between two calls, without one that failed. */
  const own = (state: NodeState): NodeState => {
    const stranger = strangerIn(to, state);
    if (stranger) http.doubt(to);
    if (stranger) throw stranger;
    return state;
  };
  const tenant = (id: string | null): unknown => (id === null ? {} : { tenant_id: id });
  const at = (path: string): string => `${endpoint}${path}`;
  return {
    ready: async (signal) => {
      const answer = await send('GET', '/health/ready', undefined, signal);
      if (answer.status !== 200 && answer.status !== 503) throw refused(at('/health/ready'), answer);
      const body = parse(Readiness, at('/health/ready'), answer);
      // A node that says 503 is not ready, whatever its body claims.
      return { ...body, ready: body.ready && answer.status === 200 };
    },
    state: async (signal) => {
      const answer = await send('GET', '/admin/state', undefined, signal);
      const state = own(ok(State, at('/admin/state'), answer));
      return { ...state, aheadMs: aheadMs(state, answer) };
    },
    stateOf: async (tenantId, signal) => {
      const path = `/admin/state?tenant_id=${encodeURIComponent(tenantId)}`;
      return own(ok(State, at(path), await send('GET', path, undefined, signal)));
    },
    routes: (signal) => allRoutes(at('/admin/routes'), (path) => send('GET', path, undefined, signal)),
    drain: async (id, signal) => {
      const answer = await send('POST', '/admin/drain', tenant(id), signal);
      if (answer.status === 409) throw new Problem('drain.refused', detailOf(at('/admin/drain'), answer));
      if (answer.status === 404 && id !== null) throw notHere(endpoint, id);
      return ok(Drain, at('/admin/drain'), answer);
    },
    drainState: async (signal) => ok(Drain, at('/admin/drain'), await send('GET', '/admin/drain', undefined, signal)),
    resume: async (id, signal) => {
      const answer = await send('POST', '/admin/resume', tenant(id), signal);
      // A tenant that is not on the node has no drain mark there either.
      if (answer.status === 404 && id !== null) return;
      if (!isOk(answer)) throw refused(at('/admin/resume'), answer);
    },
    reload: async (signal) =>
      own(ok(State, at('/admin/reload'), await send('POST', '/admin/reload?lost=kept', {}, signal))),
    samples: async (families, signal) => {
      const found: MetricSample[] = [];
      const call = { to, guarded: false, method: 'GET', path: '/metrics', signal } as const;
      const refusal = await http.lines(call, (line) => {
        const sample = sampleOf(line, families);
        if (!sample) return;
        // Part of the samples would be a sum that is too low, and nobody could tell.
        if (found.push(sample) > MAX_SAMPLES)
          throw new Problem('node.invalid_answer', `${at('/metrics')} has more than ${MAX_SAMPLES} samples`);
      });
      if (refusal) throw refused(at('/metrics'), refusal);
      return found;
    },
  };
}

/** An answer that took longer says too little about when it was given. */
const PRECISE_MS = 1_000;

function aheadMs({ now }: NodeState, { given }: NodeAnswer): number | null {
  const said = now === undefined ? NaN : Date.parse(now);
  return Number.isFinite(said) && given.tookMs <= PRECISE_MS ? Math.round(said - given.at) : null;
}

async function allRoutes(where: string, get: (path: string) => Promise<NodeAnswer>): Promise<NodeRoute[]> {
  const found: NodeRoute[] = [];
  for (let after: string | null = ''; after !== null;) {
    const answer = await get(`/admin/routes?after=${encodeURIComponent(after)}`);
    const page: z.infer<typeof RoutesPage> = answered(RoutesPage, where, answer);
    found.push(...page.routes);
    const isEndless = page.next !== null && (page.next <= after || found.length > MAX_ROUTES);
    if (isEndless) throw new Problem('node.invalid_answer', `${where} does not come to an end`);
    after = page.next;
  }
  return found;
}

const isOk = ({ status }: NodeAnswer): boolean => status >= 200 && status < 300;

function answered<T>(schema: z.ZodType<T>, where: string, answer: NodeAnswer): T {
  if (!isOk(answer)) throw refused(where, answer);
  return parse(schema, where, answer);
}

function parse<T>(schema: z.ZodType<T>, where: string, { text }: NodeAnswer): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem('node.invalid_answer', `${where} did not answer JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'body';
  throw new Problem(
    'node.invalid_answer',
    `${where} is not as the platform contract says: ${field}: ${issue?.message}`,
  );
}

const notHere = (endpoint: string, tenantId: string): Problem =>
  new Problem('tenant.unknown', `${endpoint} does not serve ${tenantId}`);

const refused = (where: string, answer: NodeAnswer): Problem =>
  new Problem('node.invalid_answer', detailOf(where, answer), { node_status: answer.status });

/** The node's own sentence where it gave one, cut short: it is somebody else's text. */
function detailOf(where: string, { status, text }: NodeAnswer): string {
  let body: z.infer<typeof Refusal> = {};
  try {
    body = Refusal.parse(JSON.parse(text));
  } catch {
    // Not a problem document: the status has to do.
  }
  if (status >= 300 && status < 400) return `${where} answered ${status}: redirects are not followed`;
  return `${where} answered ${status}${body.detail ? `: ${body.detail}` : ''}`;
}
