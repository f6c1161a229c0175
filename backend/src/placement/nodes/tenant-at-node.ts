/** One tenant on one node: drain and wait, wait until it is served, wait until it is given up. Nodes that hang or lie end in a named problem. */
import { Problem, type Shard } from '@cloudlysis/contract';
import { tenantOn, type NodeTenant } from '../../ports/nodes/index.ts';
import type { NodeDeps } from './node-deps.ts';
import { waitFor } from '../../kernel/time.ts';

type Deps = Pick<NodeDeps, 'ambient' | 'nodes'>;

const SERVED: readonly string[] = ['serving', 'paused'];

/** What the node says of the tenant now; null when it does not hold it. */
export async function tenantAt(
  { nodes }: Deps,
  shard: Shard,
  id: string,
  signal: AbortSignal,
): Promise<NodeTenant | null> {
  return tenantOn(await nodes.at(shard).stateOf(id, signal), id);
}

/** Paused counts as served: the node holds the tenant and would go on at once. */
export const isServed = (tenant: NodeTenant | null, revision: number): boolean =>
  tenant !== null && tenant.placement_revision >= revision && SERVED.includes(tenant.state);

/** Not there, or there and neither taking nor finishing anything. */
export const isIdle = (tenant: NodeTenant | null): boolean =>
  tenant === null || (!SERVED.includes(tenant.state) && tenant.in_flight === 0);

/** @throws Problem `node.timeout` with what the node said last */
export async function untilServed(
  deps: Deps,
  shard: Shard,
  tenantId: string,
  revision: number,
  limitMs: number,
  signal: AbortSignal,
): Promise<NodeTenant> {
  let said = 'it was not asked';
  const found = await waitFor(deps.ambient, limitMs, signal, async () => {
    const tenant = await patiently(signal, () => tenantAt(deps, shard, tenantId, signal));
    said = tenant instanceof Problem ? tenant.message : describe(tenant);
    return !(tenant instanceof Problem) && isServed(tenant, revision) ? tenant : null;
  });
  if (found) return found;
  throw new Problem(
    'node.timeout',
    `${shard.shard_id} does not serve ${tenantId} at revision ${revision} after ${limitMs} ms: ${said}`,
  );
}

/** True when the node no longer holds the tenant; false when it still does, or did not say, after `limitMs`. */
export async function untilReleased(
  deps: Deps,
  shard: Shard,
  tenantId: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const released = await waitFor(deps.ambient, limitMs, signal, async () => {
    const tenant = await patiently(signal, () => tenantAt(deps, shard, tenantId, signal));
    if (tenant instanceof Problem) return tenant.code === 'node.unreachable' ? false : null;
    return tenant === null ? true : null;
  });
  return released ?? false;
}

export interface Drained {
  readonly in_flight: number;
  readonly ms: number;
}

/**
 * Waits until nothing of the tenant is in flight; null when that takes longer than `limitMs`. A node that restarted
 * and forgot the drain is told again.
 */
export async function untilDrained(
  deps: Deps,
  shard: Shard,
  tenantId: string | null,
  limitMs: number,
  signal: AbortSignal,
): Promise<Drained | { readonly overrun: string }> {
  const started = deps.ambient.monotonic();
  let said = 'it was not asked';
  const node = deps.nodes.at(shard);
  const done = await waitFor(deps.ambient, limitMs, signal, async () => {
    const drain = await patiently(signal, () =>
      tenantId === null ? node.state(signal) : node.stateOf(tenantId, signal),
    );
    if (drain instanceof Problem) {
      said = drain.message;
      return null;
    }
    const there = drain.tenants.filter((tenant) => tenantId === null || tenant.tenant_id === tenantId);
    const inFlight = there.reduce((sum, tenant) => sum + tenant.in_flight, 0);
    const open = there.filter((tenant) => SERVED.includes(tenant.state));
    said = `in flight ${inFlight}${open.length ? `, ${open.length} not draining` : ''}`;
    const forgot = open.length > 0 || (tenantId === null && !drain.draining);
    if (forgot) await patiently(signal, () => node.drain(tenantId, signal));
    return !forgot && inFlight === 0 ? { in_flight: 0, ms: Math.round(deps.ambient.monotonic() - started) } : null;
  });
  return done ?? { overrun: said };
}

/** A node that does not answer now may answer in a moment: its problem is a value here. Refusals are not waited out. */
async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T | Problem> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Problem && error.status >= 500) return error;
    throw error;
  }
}

const describe = (tenant: NodeTenant | null): string =>
  tenant ? `${tenant.state} at revision ${tenant.placement_revision}` : 'it does not hold the tenant';
