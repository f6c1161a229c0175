// What a clause of the platform contract is, how it is asked of a node, and how its result is told.
import { ambient } from '../platform/ambient.ts';
import type { Kind } from '../platform/names.ts';
import type { ProbeTenant } from './probe-tenant.ts';

export interface NodeReply {
  status: number;
  type: string;
  text: string;
  json: any;
}
export interface ClauseResult {
  id: string;
  title: string;
  result: 'pass' | 'fail' | 'skip';
  reason: string;
}
export interface Context {
  call: (method: 'GET' | 'POST', path: string, body?: unknown, options?: { anonymous?: boolean }) => Promise<NodeReply>;
  hasToken: boolean;
  /** Longest answer of an admin endpoint so far, in ms, and which one it was. */
  slowest: { ms: number; path: string };
  kind: Kind | undefined;
  shard: string;
  /** A tenant made for this run when NATS is reachable; else undefined. */
  probe: ProbeTenant | undefined;
  /** What every node on this NATS follows may be taken away for a moment. */
  disrupt: boolean;
  /** Factor on every time limit for hot reload, drain and catching up. */
  patience: number;
  /** The tenant that may be drained and resumed. */
  tenant: string | undefined;
}
export interface Clause {
  id: string;
  title: string;
  kinds?: Kind[];
  needs?: 'token' | 'nats' | 'tenant' | 'disrupt';
  check: (context: Context) => Promise<void>;
}

export class Broken extends Error {}

export function expect(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Broken(otherwise);
}

export function expectProblem(reply: NodeReply, status: number, what: string): void {
  expect(reply.status === status, `${what} answered ${reply.status} instead of ${status}`);
  expect(
    reply.type.includes('application/problem+json'),
    `${what} answered ${reply.type || 'no type'}, not problem+json`,
  );
  const { title, status: inBody, code } = reply.json ?? {};
  const whole = typeof title === 'string' && typeof code === 'string' && inBody === status;
  expect(whole, `the problem of ${what} lacks title, code or the same status`);
}

/** Asks until it holds, at most `ms`; hot reload may take a moment but not longer. */
export async function holdsWithin(
  { patience }: Context,
  limit: number,
  check: () => Promise<boolean>,
  otherwise: string,
): Promise<void> {
  const ms = limit * patience;
  for (const end = ambient.ticks() + ms; ; await ambient.sleep(25)) {
    if (await check()) return;
    if (ambient.ticks() > end) throw new Broken(`${otherwise} (waited ${ms} ms)`);
  }
}

export const tenantIn = (body: any, tenant: string | undefined): any =>
  Array.isArray(body?.tenants) ? body.tenants.find((one: any) => one?.tenant_id === tenant) : undefined;
