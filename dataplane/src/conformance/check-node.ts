// Asks a node, ours or anybody's, every clause of the platform contract and says for each whether it holds.
import { ambient } from '../platform/ambient.ts';
import { KINDS } from '../platform/names.ts';
import { Broken, type Clause, type ClauseResult, type Context, type NodeReply } from './clause.ts';
import { followerClauses, lossClauses } from './follower-clauses.ts';
import { httpClauses, speedClause } from './http-clauses.ts';
import { ProbeTenant } from './probe-tenant.ts';
import { tenantClauses } from './tenant-clauses.ts';

export interface CheckOptions {
  node: string;
  token?: string;
  /** Allows the clauses that place, write to and erase a tenant of their own. */
  nats?: string;
  /** A real tenant that may be drained and resumed; used where there is no NATS. */
  tenant?: string;
  /** Allows, with `nats`, the clauses that take away what all nodes on it follow, and put it back. */
  disrupt?: boolean;
  timeoutMs?: number;
  /** Factor on the time limits of hot reload, drain and catching up; 1 is the contract. */
  patience?: number;
}

export const CLAUSES: readonly Clause[] = [
  ...httpClauses,
  ...followerClauses,
  ...tenantClauses,
  ...lossClauses,
  speedClause,
];

export async function checkNode(options: CheckOptions): Promise<ClauseResult[]> {
  const context = await prepare(options);
  const results: ClauseResult[] = [];
  try {
    for (const clause of CLAUSES) results.push(await judge(clause, context));
  } finally {
    await context.probe?.close();
  }
  return results;
}

async function prepare(options: CheckOptions): Promise<Context> {
  const slowest = { ms: 0, path: '' };
  const call = caller(options, slowest);
  const state = await call('GET', '/admin/state').catch(() => undefined);
  const kind = KINDS.find((one) => one === state?.json?.service);
  const probe = options.nats ? await ProbeTenant.open(options.nats, kind ?? 'aggregate') : undefined;
  const tenant = probe?.tenant ?? options.tenant;
  const shard = String(state?.json?.shard_id ?? 'unknown');
  return {
    call,
    hasToken: options.token !== undefined,
    slowest,
    kind,
    shard,
    probe,
    disrupt: options.disrupt ?? false,
    patience: options.patience ?? 1,
    tenant,
  };
}

async function judge(clause: Clause, context: Context): Promise<ClauseResult> {
  const { id, title } = clause;
  const skipped = whyNot(clause, context);
  if (skipped) return { id, title, result: 'skip', reason: skipped };
  try {
    await clause.check(context);
    return { id, title, result: 'pass', reason: '' };
  } catch (err) {
    const reason = err instanceof Broken ? err.message : `${(err as Error).name}: ${(err as Error).message}`;
    return { id, title, result: 'fail', reason };
  }
}

function whyNot({ kinds, needs }: Clause, context: Context): string | undefined {
  if (kinds && (!context.kind || !kinds.includes(context.kind))) return `only for ${kinds.join(' and ')}`;
  if (needs === 'token' && !context.hasToken) return 'needs --token';
  if (needs === 'nats' && !context.probe) return 'needs --nats';
  if (needs === 'disrupt' && !(context.probe && context.disrupt)) return 'needs --nats and --disrupt';
  if (needs === 'tenant' && !context.tenant) return 'needs --nats or --tenant';
  return undefined;
}

function caller({ node, token, timeoutMs = 5000 }: CheckOptions, slowest: Context['slowest']): Context['call'] {
  return async (method, path, body, { anonymous = false } = {}): Promise<NodeReply> => {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token && !anonymous) headers['authorization'] = `Bearer ${token}`;
    const start = ambient.ticks();
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const res = await fetch(new URL(path, node), { method, headers, signal, ...(payload ? { body: payload } : {}) });
      const text = await res.text();
      return { status: res.status, type: res.headers.get('content-type') ?? '', text, json: parse(text) };
    } finally {
      const ms = ambient.ticks() - start;
      if (path.startsWith('/admin/') && ms > slowest.ms) Object.assign(slowest, { ms, path: `${method} ${path}` });
    }
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One line per clause, aligned, for a terminal. */
export function toTable(results: ClauseResult[]): string {
  const width = Math.max(...results.map(({ title }) => title.length));
  const lines = results.map(({ id, title, result, reason }) =>
    `${id}  ${result}  ${title.padEnd(width)}  ${reason}`.trimEnd(),
  );
  const count = (wanted: string): number => results.filter(({ result }) => result === wanted).length;
  return [...lines, '', `${count('pass')} pass, ${count('fail')} fail, ${count('skip')} skip`].join('\n');
}
