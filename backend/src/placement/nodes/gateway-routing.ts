/** Whether one gateway sends every tenant where it is recorded, as a check: for a gateway that is registered. */
import { Problem, type Check, type Shard } from '@cloudlysis/contract';
import { checkOf } from '../../jobs/plan/checks.ts';
import { grouped } from '../../kernel/figures.ts';
import type { NodeDeps } from './node-deps.ts';
import { isRouted } from './gateways.ts';
import { waitFor } from '../../kernel/time.ts';

type Deps = Pick<NodeDeps, 'ambient' | 'nodes' | 'store'>;

/** One that has just started reads the placements within it. */
const ROUTED_MS = 3_000;

/** Warns and does not block: only once it is registered, drift and moves ask it, and the repair tells it to read. */
export async function routingCheck(deps: Deps, gateway: Shard, signal: AbortSignal): Promise<Check> {
  const recorded = await recordedRoutes(deps);
  const limit = recorded.size;
  const check = (status: 'pass' | 'warn', measured: number | null, detail: string): Check =>
    checkOf('gateway.routes', 'The gateway routes every tenant as recorded', status, { measured, limit, unit: 'routes', detail }); // prettier-ignore
  try {
    let wrong: string[] = [];
    await waitFor(deps.ambient, ROUTED_MS, signal, async () => {
      const routes = await deps.nodes.at(gateway).routes(signal);
      const told = new Map(routes.map(({ kind, tenant_id, shard_id, revision }) => [`${kind}.${tenant_id}`, `${shard_id} at revision ${revision}`])); // prettier-ignore
      wrong = [...new Set([...recorded.keys(), ...told.keys()])].filter((key) => told.get(key) !== recorded.get(key));
      return wrong.length === 0 ? true : null;
    });
    if (wrong.length === 0) return check('pass', limit, `${gateway.shard_id} routes all ${grouped(limit)} as recorded`);
    const some = wrong.slice(0, 5).join(', ');
    const detail = `${gateway.shard_id} does not route ${grouped(wrong.length)} as recorded, such as ${some}; drift tells each, and its repair has it read again`;
    return check('warn', limit - wrong.length, detail);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Problem)) throw error;
    return check('warn', null, `${gateway.shard_id} does not say where it routes: ${error.message}`);
  }
}

async function recordedRoutes({ store }: Deps): Promise<Map<string, string>> {
  const homes = (await store.all()).filter(({ kind, shard_id }) => isRouted(kind) && shard_id !== null);
  return new Map(homes.map(({ _id, shard_id, revision }) => [_id, `${shard_id} at revision ${revision}`]));
}
