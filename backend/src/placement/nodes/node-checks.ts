/** Pure: what is looked at on a node before anything moves from it or to it. */
import type { Check, Shard } from '@cloudlysis/contract';
import type { NodeReadiness, NodeState } from '../../ports/nodes/index.ts';
import { checkOf } from '../../jobs/plan/checks.ts';
import { grouped, percent } from '../../kernel/figures.ts';

/** A shard and what its node said just now; `problem` when it did not say it, or not by the contract. */
export interface ShardSight {
  /** Who answers in its place, as far as that says it; then nothing is known of the shard's own node. */
  readonly stranger?: string | null;
  readonly shard: Shard;
  readonly state: NodeState | null;
  readonly readiness: NodeReadiness | null;
  readonly problem: string | null;
  /** Milliseconds by which the node's clock is ahead of the store's, as far as this answer tells. */
  readonly aheadMs?: number | null;
}

/** Answers, by the contract, and is the node the shard's record says it is. */
export function nodeCheck(role: string, { shard, state, problem }: ShardSight): Check {
  const title = `The ${role} node answers and is the one that is recorded`;
  const id = `${role}.reachable`;
  if (!state) {
    return checkOf(id, title, 'block', { measured: problem, limit: null, detail: `${shard.shard_id}: ${problem}` });
  }
  const said = `${state.service}/${state.shard_id}`;
  const expected = `${shard.kind}/${shard.shard_id}`;
  const isIt = said === expected;
  const detail = isIt ? `${expected} answers` : `the node of ${shard.shard_id} says it is ${said}, not ${expected}`;
  return checkOf(id, title, isIt ? 'pass' : 'block', { measured: said, limit: expected, detail });
}

/** SCL-09. A node that names no storage cannot be held to it, and that is said. */
export function storageCheck(role: string, { shard, readiness }: ShardSight): Check {
  const title = `Storage is healthy on the ${role}`;
  const id = `${role}.storage`;
  const storage = readiness?.dependencies.filter(({ name }) => name.toLowerCase().includes('storage')) ?? [];
  if (!readiness) {
    const detail = `${shard.shard_id} did not say how its storage is`;
    return checkOf(id, title, 'block', { measured: null, limit: true, detail });
  }
  if (storage.length === 0) {
    const detail = `${shard.shard_id} reports no storage dependency`;
    return checkOf(id, title, 'warn', { measured: null, limit: true, detail });
  }
  const bad = storage.filter((one) => !one.ok);
  const detail = bad.length
    ? `storage on ${shard.shard_id} is not healthy: ${bad.map((one) => one.detail ?? one.name).join('; ')}`
    : `storage on ${shard.shard_id} is healthy (${storage.map((one) => one.detail ?? one.name).join('; ')})`;
  return checkOf(id, title, bad.length ? 'block' : 'pass', { measured: bad.length === 0, limit: true, detail });
}

/** Above this share of its capacity a shard is still used, with a warning. */
const CROWDED = 0.8;
/** `tenants` is what the shard would hold afterwards. */
export function capacityCheck(id: string, { shard_id, capacity }: Shard, tenants: number): Check {
  const load = tenants / capacity.tenants;
  const status = load > 1 ? 'block' : load > CROWDED ? 'warn' : 'pass';
  const share = percent(load);
  const sign = status === 'pass' ? '≤ 80 %' : status === 'warn' ? '> 80 %' : '> 100 %';
  const detail = `${shard_id} would hold ${grouped(tenants)} of ${grouped(capacity.tenants)} tenants (${share} ${sign})`;
  const values = { measured: tenants, limit: capacity.tenants, unit: 'tenants', detail };
  return checkOf(id, 'The target has room', status, values);
}
