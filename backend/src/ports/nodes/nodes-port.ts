/** What the control plane asks of a node, clause by clause of the platform contract (docs/platform-contract.md). */
import { Problem, type Shard } from '@cloudlysis/contract';

/** Which node is meant, and where it should be. */
export type NodeAddress = Pick<Shard, 'endpoint' | 'kind' | 'shard_id'>;

export interface NodeReadiness {
  readonly ready: boolean;
  readonly dependencies: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail?: string | undefined;
  }[];
}

export interface NodeTenant {
  readonly tenant_id: string;
  readonly placement_revision: number;
  readonly state: 'serving' | 'draining' | 'drained' | 'paused';
  readonly in_flight: number;
}

/** Where a gateway sends a tenant's commands or queries. */
export interface NodeRoute {
  readonly kind: string;
  readonly tenant_id: string;
  readonly shard_id: string;
  readonly revision: number;
}

/** A node's copy of a bucket; `behind_since` null while it is known to be like the bucket. */
export interface NodeFollower {
  readonly bucket: string;
  readonly behind_since: string | null;
  readonly detail?: string | null | undefined;
}

export interface NodeState {
  readonly service: string;
  readonly version: string;
  readonly git_sha: string;
  readonly shard_id: string;
  readonly placement_revision: number;
  readonly config_revision: number;
  readonly draining: boolean;
  /** The node's own time. */
  readonly now?: string | undefined;
  readonly tenants: readonly NodeTenant[];
  readonly followers?: readonly NodeFollower[] | undefined;
  /** Of a gateway that was asked for one tenant. */
  readonly routes?: readonly NodeRoute[] | undefined;
}

/** A state with what it says of the node's clock: milliseconds ahead of ours; null where it does not, or took too long. */
export type TimedState = NodeState & { readonly aheadMs: number | null };

export interface NodeDrain {
  readonly draining: boolean;
  readonly tenants: readonly { readonly tenant_id: string; readonly state: string; readonly in_flight: number }[];
}

/** One line of a node's metrics. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * One node's admin endpoints. Every call has a deadline of 2 s, and answers are parsed. Nothing that needs the node token
 * is sent before the address has said that it is this node.
 * @throws Problem `node.stranger` | `node.unreachable` | `node.timeout` | `node.invalid_answer` | `node.forbidden_host` | `drain.refused`
 */
export interface NodeClient {
  ready(signal?: AbortSignal): Promise<NodeReadiness>;
  state(signal?: AbortSignal): Promise<TimedState>;
  /** The state with that tenant alone; of a gateway also where it sends it. */
  stateOf(tenantId: string, signal?: AbortSignal): Promise<NodeState>;
  /** Every route of a gateway. */
  routes(signal?: AbortSignal): Promise<NodeRoute[]>;
  drain(tenantId: string | null, signal?: AbortSignal): Promise<NodeDrain>;
  drainState(signal?: AbortSignal): Promise<NodeDrain>;
  resume(tenantId: string | null, signal?: AbortSignal): Promise<void>;
  /** Re-reads placement and configuration; the state afterwards. */
  reload(signal?: AbortSignal): Promise<NodeState>;
  /**
   * Every sample of the named families, read as it streams in: what is not asked for costs no memory, however many
   * tenants a node labels. At most 100 000 samples.
   */
  samples(families: readonly string[], signal?: AbortSignal): Promise<MetricSample[]>;
}

export interface NodesPort {
  at(address: NodeAddress): NodeClient;
  /** @throws Problem `node.forbidden_host` when the address is not on the outbound allowlist. */
  assertAllowed(endpoint: string): void;
}

export const tenantOn = (state: NodeState | null, tenantId: string): NodeTenant | null =>
  state?.tenants.find((tenant) => tenant.tenant_id === tenantId) ?? null;
const AWAY: readonly string[] = ['node.unreachable', 'node.timeout', 'node.stranger'];
/** The node did not answer, or what answers in its place is another one. */
export const isAway = (error: unknown): boolean => error instanceof Problem && AWAY.includes(error.code);
