/** From the nodes' reports to what is wrong with them, and since when: pure, carrying the beginning over from last time. */
import type { DrainOrder } from '../../placement/index.ts';
import { withoutAddresses } from '../../ports/nodes/index.ts';
import type { NodeReport } from '../../placement/record/placement-book.ts';
import type { NodeFinding } from './tenant-status.ts';

export type NodeFindings = ReadonlyMap<string, NodeFinding>;

/** A trouble that was there last time keeps its beginning; a new one began when the node said so. */
export function findingsOf(
  reports: ReadonlyMap<string, NodeReport>,
  before: NodeFindings,
  orders: ReadonlyMap<string, DrainOrder> = new Map(),
): NodeFindings {
  const ordered = Map.groupBy(orders.values(), ({ shard_id }) => shard_id);
  const findings = new Map<string, NodeFinding>();
  for (const [shardId, report] of reports)
    findings.set(shardId, { ...findingOf(report, before.get(shardId)), ordered: ordered.get(shardId) ?? [] });
  return findings;
}

type Said = Omit<NodeFinding, 'ordered'>;

function findingOf(report: NodeReport, before: NodeFinding | undefined): Said {
  const reason = problemOf(report);
  // A node that is silent says nothing of its drains: what it said last stands.
  if (!report.state && before) {
    return { ...before, problem: reason === null ? null : { reason, since: before.problem?.since ?? report.at } };
  }
  const draining = new Map<string, Date>();
  for (const { tenant_id, state } of report.state?.tenants ?? []) {
    if (state !== 'draining' && state !== 'drained') continue;
    draining.set(tenant_id, before?.drainingTenants.get(tenant_id) ?? report.at);
  }
  return {
    problem: reason === null ? null : { reason, since: before?.problem?.since ?? report.at },
    draining: report.state?.draining ? (before?.draining ?? report.at) : null,
    drainingTenants: draining,
  };
}

function problemOf({ problem, readiness }: NodeReport): string | null {
  if (problem !== null) return `unreachable (${problem})`;
  if (!readiness || readiness.ready) return null;
  const failing = readiness.dependencies.filter(({ ok }) => !ok).map(({ name }) => name);
  return failing.length ? `not ready (${withoutAddresses(failing.join(', '))})` : 'not ready';
}

/** Nodes that are not as they were. */
export function changedNodes(before: NodeFindings, now: NodeFindings): Set<string> {
  const shards = new Set([...before.keys(), ...now.keys()]);
  return new Set([...shards].filter((id) => !alike(before.get(id), now.get(id))));
}

function alike(a: NodeFinding | undefined, b: NodeFinding | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.problem?.reason !== b.problem?.reason || Number(a.draining) !== Number(b.draining)) return false;
  if (a.ordered.map(nameOf).join() !== b.ordered.map(nameOf).join()) return false;
  if (a.drainingTenants.size !== b.drainingTenants.size) return false;
  return [...a.drainingTenants.keys()].every((tenantId) => b.drainingTenants.has(tenantId));
}

const nameOf = ({ _id, job_id }: DrainOrder): string => `${_id} ${job_id}`;
