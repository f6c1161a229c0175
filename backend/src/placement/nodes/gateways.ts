/** Gateways carry the traffic: where each sends a tenant, waiting until all that live agree, and what each said as checks. */
import { Problem, type Check, type Placement, type ServiceKind, type Shard } from '@cloudlysis/contract';
import type { NodeFollower, NodeRoute } from '../../ports/nodes/index.ts';
import { checkOf } from '../../jobs/plan/checks.ts';
import { sayingOf } from './copy-doubts.ts';
import type { NodeDeps } from './node-deps.ts';
import { shardOf } from '../record/placement.store.ts';
import { waitFor } from '../../kernel/time.ts';

type Deps = Pick<NodeDeps, 'ambient' | 'nodes' | 'store' | 'logger'>;

export type RouteWanted = Pick<Placement, 'kind' | 'tenant_id' | 'shard_id' | 'revision'>;

/** What one gateway says of a tenant; a silent one did not answer, so it may be dead and then carries no traffic. */
export interface RouteSight {
  readonly gateway: Shard;
  readonly answer: 'told' | 'silent' | 'odd';
  readonly route: NodeRoute | null;
  readonly says: string;
  /** Why its copy of the placements cannot be vouched for; null when it can. */
  readonly behind: string | null;
}

/** Gateways send commands to the aggregate and queries to the projection; a runner has no requests. */
export const isRouted = (kind: ServiceKind): boolean => kind === 'aggregate' || kind === 'projection';

const SILENT: readonly string[] = ['node.unreachable', 'node.timeout', 'node.forbidden_host'];
/** A gateway that is started again answers by then; one that does not is not waited for. */
const SILENT_MS = 2_500;
/** A watch that works has told it long before; then the gateway is made to read. */
const REMIND_MS = 1_000;

export async function gatewaysOf({ store }: Pick<Deps, 'store'>): Promise<Shard[]> {
  return (await store.shards()).map(shardOf).filter(({ kind }) => kind === 'gateway');
}

export async function routesNow(
  deps: Deps,
  of: Pick<RouteWanted, 'kind' | 'tenant_id'>,
  signal?: AbortSignal,
): Promise<RouteSight[]> {
  if (!isRouted(of.kind)) return [];
  return Promise.all((await gatewaysOf(deps)).map((gateway) => routeAt(deps, gateway, of, signal)));
}

/** Waits until every gateway that answers agrees; the last that each said, whether it agrees or not. */
export async function untilRouted(
  deps: Deps,
  of: Pick<RouteWanted, 'kind' | 'tenant_id'>,
  agrees: (sight: RouteSight) => boolean,
  limitMs: number,
  signal: AbortSignal,
): Promise<RouteSight[]> {
  if (!isRouted(of.kind)) return [];
  return Promise.all(
    (await gatewaysOf(deps)).map(async (gateway) => {
      const started = deps.ambient.monotonic();
      let reminded = started;
      let last = await routeAt(deps, gateway, of, signal);
      await waitFor(deps.ambient, limitMs, signal, async () => {
        if (agrees(last)) return last;
        const now = deps.ambient.monotonic();
        if (last.answer === 'silent' && now - started > SILENT_MS) return last;
        if (now - reminded > REMIND_MS) {
          reminded = now;
          await deps.nodes.at(gateway).reload(signal).catch(() => signal.throwIfAborted()); // prettier-ignore
        }
        last = await routeAt(deps, gateway, of, signal);
        return agrees(last) ? last : null;
      });
      return last;
    }),
  );
}

export const routesTo =
  ({ shard_id, revision }: Pick<RouteWanted, 'shard_id' | 'revision'>) =>
  ({ route }: RouteSight): boolean =>
    route?.shard_id === shard_id && route.revision >= revision;

async function routeAt(
  { nodes }: Deps,
  gateway: Shard,
  { kind, tenant_id }: Pick<RouteWanted, 'kind' | 'tenant_id'>,
  signal?: AbortSignal,
): Promise<RouteSight> {
  const odd = (says: string): RouteSight => ({ gateway, answer: 'odd', route: null, says, behind: null });
  try {
    const state = await nodes.at(gateway).stateOf(tenant_id, signal);
    const { service, shard_id, routes } = state;
    if (service !== 'gateway' || shard_id !== gateway.shard_id) {
      return odd(`the node of ${gateway.shard_id} says it is ${service}/${shard_id}`);
    }
    if (!routes) return odd('it does not say where it routes');
    const route = routes.find((one) => one.kind === kind && one.tenant_id === tenant_id) ?? null;
    const says = route ? `it routes to ${route.shard_id} at revision ${route.revision}` : 'it does not know the tenant';
    return { gateway, answer: 'told', route, says, behind: behindOf(state.followers) };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof Problem)) throw error;
    if (!SILENT.includes(error.code)) return odd(error.message);
    return { gateway, answer: 'silent', route: null, says: error.message, behind: null };
  }
}

export function behindOf(followers: readonly NodeFollower[] | undefined): string | null {
  const behind = followers?.find(({ bucket, behind_since }) => bucket === 'placement' && behind_since !== null);
  return behind ? sayingOf(behind) : null;
}

/** Before: a live gateway that is elsewhere already, or does not say, would fail the move; a silent one is a risk that is told. */
export function routePlanChecks(sights: readonly RouteSight[], now: RouteWanted): Check[] {
  if (!isRouted(now.kind)) return [];
  const limit = `${now.shard_id} at revision ${now.revision}`;
  const title = (id: string): string => `Gateway ${id} routes the tenant as recorded`;
  if (sights.length === 0) {
    const detail = 'no gateway is registered, so the proof can say nothing of how requests find the tenant';
    return [checkOf('gateways.known', 'Gateways are registered', 'warn', { measured: 0, limit: 1, detail })];
  }
  return sights.map((sight) => {
    const { answer, says, behind, gateway } = sight;
    const id = gateway.shard_id;
    const agrees = sight.route?.shard_id === now.shard_id && sight.route.revision === now.revision;
    const risk =
      'a dead gateway carries no traffic; if it lives, it learns of the move when its first command is refused';
    const status = answer === 'silent' || (agrees && behind !== null) ? 'warn' : agrees ? 'pass' : 'block';
    const detail =
      answer === 'silent'
        ? `${id} cannot be asked (${says}): ${risk}, and the proof will say that it is not confirmed`
        : agrees
          ? `${id}: ${says}${behind ? `; ${behind}` : ''}`
          : `${id}: ${says}, recorded is ${limit}${answer === 'told' ? '; repair the drift first' : ''}`;
    return checkOf(`gateway.${id}`, title(id), status, { measured: says, limit, detail });
  });
}

/** After: what each gateway reports is part of the proof. */
export function routeProofChecks(sights: readonly RouteSight[], wanted: RouteWanted): Check[] {
  const limit = `${wanted.shard_id} at revision ${wanted.revision}`;
  return sights.map((sight) => {
    const { answer, says, gateway } = sight;
    const id = gateway.shard_id;
    const status = routesTo(wanted)(sight) ? 'pass' : answer === 'silent' ? 'warn' : 'block';
    const detail =
      answer === 'silent'
        ? `not confirmed: ${id} cannot be asked (${says})`
        : `${id} says of ${wanted.tenant_id}: ${says}`;
    return checkOf(`gateway.${id}`, `Gateway ${id} routes the tenant to its shard`, status, {
      measured: says,
      limit,
      detail,
    });
  });
}

/** @throws Problem `node.timeout` that names each live gateway that does not agree */
export function assertRouted(
  sights: readonly RouteSight[],
  agrees: (sight: RouteSight) => boolean,
  where: string,
): void {
  const wrong = sights.filter((sight) => sight.answer !== 'silent' && !agrees(sight));
  if (wrong.length === 0) return;
  const each = wrong.map(({ gateway, says }) => `${gateway.shard_id}: ${says}`);
  throw new Problem('node.timeout', `gateways do not route to ${where}: ${each.join('; ')}`);
}
