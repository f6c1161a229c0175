/** The nodes that serve one tenant, asked now, in parallel and each with its deadline (UI-42). */
import { Problem, type NodeHealth } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { nodeHealth } from '../../placement/index.ts';
import type { NatsPort } from '../../ports/nats/index.ts';
import { withoutAddresses, withoutAddressesIn, type NodesPort, type NodeState } from '../../ports/nodes/index.ts';
import { addressOf, type ServingNode, type ServingNodes } from './serving-nodes.ts';
import { within } from '../../kernel/time.ts';

export interface TenantHealth {
  of(tenantId: string, signal?: AbortSignal): Promise<NodeHealth[]>;
}

export interface TenantHealthDeps {
  readonly serving: ServingNodes;
  readonly nodes: NodesPort;
  readonly nats: NatsPort;
  readonly ambient: Ambient;
}

/** As long as a node may take; NATS would wait a second longer. */
const LAG_MS = 2_000;

export function createTenantHealth(deps: TenantHealthDeps): TenantHealth {
  const { serving } = deps;
  return {
    async of(tenantId, signal) {
      return Promise.all((await serving.of(tenantId)).map((node) => ask(deps, node, tenantId, signal)));
    },
  };
}

async function ask(
  { nodes, nats, ambient }: TenantHealthDeps,
  node: ServingNode,
  tenantId: string,
  signal?: AbortSignal,
): Promise<NodeHealth> {
  const { kind, shardId } = node;
  const client = nodes.at(addressOf(node));
  const [state, readiness, lag] = await Promise.allSettled([
    client.stateOf(tenantId, signal),
    client.ready(signal),
    lagOf(nats, ambient, tenantId, kind),
  ]);
  signal?.throwIfAborted();
  const failed = [state, readiness].find((answer) => answer.status === 'rejected');
  const said = state.status === 'fulfilled' ? state.value : null;
  const ready = readiness.status === 'fulfilled' ? readiness.value : null;
  const health = nodeHealth({ state: said, readiness: ready, problem: failed ? sentence(failed.reason) : null });
  const tenant = said?.tenants.find(({ tenant_id }) => tenant_id === tenantId);
  return {
    kind,
    shard_id: shardId,
    ...health,
    version: said?.version ?? null,
    git_sha: said?.git_sha ?? null,
    serves_tenant: said && tenant !== undefined,
    drain: drainOf(said, tenantId),
    in_flight: said && (tenant?.in_flight ?? 0),
    consumer_lag: lag.status === 'fulfilled' ? lag.value : null,
    // What a node says of its bus and its storage tells where they are.
    ...withoutAddressesIn({
      reason: health.reason,
      dependencies: (ready?.dependencies ?? []).map(({ name, ok, detail }) => ({ name, ok, detail: detail ?? null })),
    }),
    checked_at: ambient.now().toISOString(),
  };
}

function drainOf(state: NodeState | null, tenantId: string): NodeHealth['drain'] {
  if (!state) return 'unreachable';
  const tenant = state.tenants.find(({ tenant_id }) => tenant_id === tenantId);
  if (tenant) return tenant.state;
  return state.draining ? 'drained' : 'serving';
}

async function lagOf(
  nats: NatsPort,
  ambient: Ambient,
  tenantId: string,
  kind: ServingNode['kind'],
): Promise<number | null> {
  if (kind !== 'projection' && kind !== 'runner') return null;
  const asked = nats.consumer(tenantId, kind).then((consumer) => consumer?.lag ?? null);
  return within(ambient, LAG_MS, asked, () => null);
}

const sentence = (error: unknown): string =>
  error instanceof Problem ? withoutAddresses(error.message) : 'it did not answer';
