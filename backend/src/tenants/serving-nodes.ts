/** The nodes that serve a tenant: which they are, what each says of it, and waiting until all of them agree. */
import { Problem, type Check, type Placement, type ServiceKind } from '@cloudlysis/contract';
import type { Ambient } from '../ambient.ts';
import type { PlacementBook } from '../placement/placement-book.ts';
import {
  withoutAddresses,
  type NodeAddress,
  type NodesPort,
  type NodeState,
  type NodeTenant,
} from '../ports/nodes/index.ts';

export interface ServingNode {
  readonly kind: ServiceKind;
  readonly shardId: string;
  readonly endpoint: string;
  /** Null for a node that serves every tenant, such as a gateway. */
  readonly placement: Placement | null;
}

/** One node's answer: a sentence, and whether it is what is waited for. */
export interface Verdict {
  readonly node: ServingNode;
  readonly ok: boolean;
  readonly says: string;
}

/** Decides on one node's state; `tenant` is undefined where the node does not know the tenant. */
export type Agreement = (state: NodeState, tenant: NodeTenant | undefined, node: ServingNode) => boolean;

export interface ServingNodes {
  of(tenantId: string): Promise<ServingNode[]>;
  ask(tenantId: string, agreed: Agreement, signal?: AbortSignal): Promise<Verdict[]>;
  /** Asks until every node agrees. @throws Problem `node.timeout` that names each node which does not, and what it says. */
  until(tenantId: string, agreed: Agreement, signal: AbortSignal): Promise<Verdict[]>;
}

export interface ServingNodesDeps {
  readonly nodes: NodesPort;
  readonly placement: PlacementBook;
  readonly ambient: Ambient;
  /** How long nodes may take to agree, in milliseconds. */
  readonly patienceMs: number;
}

const POLL_MS = 50;

export function createServingNodes({ nodes, placement, ambient, patienceMs }: ServingNodesDeps): ServingNodes {
  async function of(tenantId: string): Promise<ServingNode[]> {
    const [placements, shards] = await Promise.all([placement.of(tenantId), placement.shards()]);
    const placed = placements.flatMap((at): ServingNode[] => {
      const shard = shards.find((candidate) => candidate.shard_id === at.shard_id);
      return shard ? [{ kind: at.kind, shardId: at.shard_id, endpoint: shard.endpoint, placement: at }] : [];
    });
    const reports = placement.reports();
    // A gateway is not placed, yet it lets the tenant's commands in; and a node that still holds the tenant counts, too.
    const others = shards.filter(
      ({ shard_id }) =>
        !placed.some((node) => node.shardId === shard_id) &&
        reports.get(shard_id)?.state?.tenants.some((tenant) => tenant.tenant_id === tenantId),
    );
    return [
      ...placed,
      ...others.map(({ kind, shard_id, endpoint }) => ({ kind, shardId: shard_id, endpoint, placement: null })),
    ];
  }

  const ask = async (tenantId: string, agreed: Agreement, signal?: AbortSignal): Promise<Verdict[]> => {
    const serving = await of(tenantId);
    return Promise.all(
      serving.map(async (node): Promise<Verdict> => {
        try {
          const state = await nodes.at(addressOf(node)).state(signal);
          const tenant = state.tenants.find(({ tenant_id }) => tenant_id === tenantId);
          return { node, ok: agreed(state, tenant, node), says: describe(state, tenant) };
        } catch (error) {
          signal?.throwIfAborted();
          return {
            node,
            ok: false,
            says: error instanceof Problem ? withoutAddresses(error.message) : 'did not answer',
          };
        }
      }),
    );
  };

  return {
    of,
    ask,
    async until(tenantId, agreed, signal) {
      const started = ambient.monotonic();
      let reminded = false;
      for (;;) {
        const verdicts = await ask(tenantId, agreed, signal);
        const behind = verdicts.filter(({ ok }) => !ok);
        if (behind.length === 0) return verdicts;
        const waited = ambient.monotonic() - started;
        if (waited > patienceMs) throw disagreement(tenantId, behind, patienceMs);
        if (!reminded && waited > patienceMs / 3) {
          reminded = true;
          // A node whose watch was lost reads the buckets again when it is told to.
          await Promise.allSettled(behind.map(({ node }) => nodes.at(addressOf(node)).reload(signal)));
        }
        await ambient.sleep(POLL_MS, signal);
      }
    },
  };
}

/** Every node holds back the tenant; one that drains it takes nothing new either. */
export const holdsBack =
  (revision: number): Agreement =>
  (state, tenant, node) => {
    if (state.config_revision < revision) return false;
    if (!tenant) return node.placement === null;
    return tenant.state === 'paused' || tenant.state === 'drained' || tenant.state === 'draining';
  };

/** Every node has read the flag and no longer holds the tenant back because of it. */
export const letsThrough =
  (revision: number): Agreement =>
  (state, tenant, node) => {
    if (state.config_revision < revision) return false;
    return tenant ? tenant.state !== 'paused' : node.placement === null;
  };

/** Every node serves the tenant under its placement. */
export const serves =
  (revision: number): Agreement =>
  (state, tenant, node) => {
    if (state.config_revision < revision) return false;
    if (!tenant) return node.placement === null;
    // A gateway reports the aggregate's placement revision, not one of its own.
    const current = node.kind === 'gateway' || tenant.placement_revision >= (node.placement?.revision ?? 0);
    return tenant.state === 'serving' && current;
  };

const describe = (state: NodeState, tenant: NodeTenant | undefined): string =>
  tenant
    ? `${tenant.state}, placement revision ${tenant.placement_revision}, config revision ${state.config_revision}`
    : `does not serve the tenant, config revision ${state.config_revision}`;

export const addressOf = ({ kind, shardId, endpoint }: ServingNode): NodeAddress => ({
  kind,
  shard_id: shardId,
  endpoint,
});

const nameOf = ({ kind, shardId }: ServingNode): string => `${kind}/${shardId}`;

const disagreement = (tenantId: string, behind: readonly Verdict[], ms: number): Problem =>
  new Problem(
    'node.timeout',
    `after ${ms} ms ${tenantId} is not as asked on ${behind.map(({ node, says }) => `${nameOf(node)} (${says})`).join('; ')}`,
  );

/** The nodes' answers as post-conditions. */
export const nodeChecks = (verdicts: readonly Verdict[], wanted: string): Check[] =>
  verdicts.map(({ node, ok, says }) => ({
    id: `node.${node.kind}`,
    title: `${nameOf(node)} reports the tenant as ${wanted}`,
    status: ok ? 'pass' : 'block',
    measured: says,
    limit: wanted,
    unit: null,
    detail: ok ? `${nameOf(node)}: ${says}` : `${nameOf(node)} does not report ${wanted}: ${says}`,
  }));
