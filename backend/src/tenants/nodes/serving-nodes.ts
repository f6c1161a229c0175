/** The nodes that serve a tenant: which they are, what each says of it, and waiting until all of them agree. */
import { Problem, type Check, type Placement, type ServiceKind } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { PlacementBook } from '../../placement/record/placement-book.ts';
import {
  withoutAddresses,
  type NodeAddress,
  type NodesPort,
  type NodeState,
  type NodeTenant,
} from '../../ports/nodes/index.ts';

export interface ServingNode {
  readonly kind: ServiceKind;
  readonly shardId: string;
  readonly endpoint: string;
  /** Null for a node that serves every tenant, such as a gateway. */
  readonly placement: Placement | null;
  /** Where a gateway has to send the tenant's commands and queries; none for other nodes. */
  readonly routes: readonly Placement[];
}

/** One node's answer: a sentence, and whether it is what is waited for. */
export interface Verdict {
  readonly node: ServingNode;
  readonly ok: boolean;
  readonly says: string;
  /** A gateway that did not answer: a dead one carries no traffic, so it is not waited for and the proof says so. */
  readonly silent: boolean;
}

/** Decides on one node's state; `tenant` is undefined where the node does not know the tenant. */
export type Agreement = (state: NodeState, tenant: NodeTenant | undefined, node: ServingNode) => boolean;

export interface ServingNodes {
  of(tenantId: string): Promise<ServingNode[]>;
  ask(tenantId: string, agreed: Agreement, signal?: AbortSignal): Promise<Verdict[]>;
  /** The highest revision of flags that its nodes know; those that are silent say nothing. */
  flagsHeld(tenantId: string): Promise<number>;
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
/** A gateway that is started again answers by then. */
const SILENT_MS = 2_500;
const SILENT: readonly string[] = ['node.unreachable', 'node.timeout', 'node.forbidden_host'];
/** A runner has no requests. */
const ROUTED: readonly ServiceKind[] = ['aggregate', 'projection'];

export function createServingNodes({ nodes, placement, ambient, patienceMs }: ServingNodesDeps): ServingNodes {
  async function of(tenantId: string): Promise<ServingNode[]> {
    const [placements, shards] = await Promise.all([placement.of(tenantId), placement.shards()]);
    const placed = placements.flatMap((at): ServingNode[] => {
      const shard = shards.find((candidate) => candidate.shard_id === at.shard_id);
      return shard
        ? [{ kind: at.kind, shardId: at.shard_id, endpoint: shard.endpoint, placement: at, routes: [] }]
        : [];
    });
    const reports = placement.reports();
    // Gateways are not placed, yet they let the tenant's commands in: all that are registered count, whatever they said
    // last. And a node that still holds the tenant counts, too.
    const others = shards.filter(
      ({ shard_id, kind }) =>
        !placed.some((node) => node.shardId === shard_id) &&
        (kind === 'gateway' || reports.get(shard_id)?.state?.tenants.some((tenant) => tenant.tenant_id === tenantId)),
    );
    const routes = placements.filter(({ kind }) => ROUTED.includes(kind));
    return [
      ...placed,
      ...others.map(({ kind, shard_id, endpoint }) => ({
        kind,
        shardId: shard_id,
        endpoint,
        placement: null,
        routes: [],
      })),
    ].map((node) => (node.kind === 'gateway' ? { ...node, routes } : node));
  }

  const ask = async (tenantId: string, agreed: Agreement, signal?: AbortSignal): Promise<Verdict[]> => {
    const serving = await of(tenantId);
    return Promise.all(
      serving.map(async (node): Promise<Verdict> => {
        try {
          const state = await nodes.at(addressOf(node)).stateOf(tenantId, signal);
          const tenant = state.tenants.find(({ tenant_id }) => tenant_id === tenantId);
          return { node, ok: agreed(state, tenant, node), says: describe(state, tenant), silent: false };
        } catch (error) {
          signal?.throwIfAborted();
          const problem = error instanceof Problem ? error : null;
          const silent = node.kind === 'gateway' && SILENT.includes(problem?.code ?? '');
          return { node, ok: false, says: problem ? withoutAddresses(problem.message) : 'did not answer', silent };
        }
      }),
    );
  };

  return {
    of,
    ask,
    async flagsHeld(tenantId) {
      let highest = 0;
      await ask(tenantId, ({ config_revision }) => (highest = Math.max(highest, config_revision)) >= 0);
      return highest;
    },
    async until(tenantId, agreed, signal) {
      const started = ambient.monotonic();
      let reminded = false;
      for (;;) {
        const verdicts = await ask(tenantId, agreed, signal);
        const waited = ambient.monotonic() - started;
        const given = waited > Math.min(SILENT_MS, patienceMs);
        const behind = verdicts.filter(({ ok, silent }) => !ok && !(silent && given));
        if (behind.length === 0) return verdicts;
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

/** Every node has read the flag and no longer holds the tenant back because of it; gateways send it where it is. */
export const letsThrough =
  (revision: number): Agreement =>
  (state, tenant, node) => {
    if (state.config_revision < revision || !routesAll(state, node)) return false;
    return tenant ? tenant.state !== 'paused' : knowsNothingOf(node);
  };

/** Every node serves the tenant under its placement; gateways send its commands and queries there. */
export const serves =
  (revision: number): Agreement =>
  (state, tenant, node) => {
    if (state.config_revision < revision || !routesAll(state, node)) return false;
    if (!tenant) return knowsNothingOf(node);
    // A gateway reports the aggregate's placement revision, not one of its own.
    const current = node.kind === 'gateway' || tenant.placement_revision >= (node.placement?.revision ?? 0);
    return tenant.state === 'serving' && current;
  };

/** Right for a node that has nothing to do with the tenant; a gateway has, as soon as there are commands to send. */
const knowsNothingOf = ({ placement, routes }: ServingNode): boolean =>
  placement === null && !routes.some(({ kind }) => kind === 'aggregate');

function routesAll(state: NodeState, { routes }: ServingNode): boolean {
  return routes.every(({ kind, shard_id, revision }) => {
    const route = state.routes?.find((one) => one.kind === kind);
    return route?.shard_id === shard_id && route.revision >= revision;
  });
}

function describe(state: NodeState, tenant: NodeTenant | undefined): string {
  const routes = state.routes?.map(
    ({ kind, shard_id, revision }) => `, ${kind} to ${shard_id} at revision ${revision}`,
  );
  const says = tenant
    ? `${tenant.state}, placement revision ${tenant.placement_revision}, config revision ${state.config_revision}`
    : `does not serve the tenant, config revision ${state.config_revision}`;
  return says + (routes ?? []).join('');
}

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
  verdicts.map(({ node, ok, says, silent }) => ({
    id: `node.${node.kind}`,
    title: `${nameOf(node)} reports the tenant as ${wanted}`,
    status: ok ? 'pass' : silent ? 'warn' : 'block',
    measured: says,
    limit: wanted,
    unit: null,
    detail: ok
      ? `${nameOf(node)}: ${says}`
      : silent
        ? `not confirmed: ${nameOf(node)} cannot be asked (${says})`
        : `${nameOf(node)} does not report ${wanted}: ${says}`,
  }));
