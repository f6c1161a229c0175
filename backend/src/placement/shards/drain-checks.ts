/** Pure: what a drain or a resume is decided on, and what shows afterwards that it stands. */
import type { Check, Source } from '@cloudlysis/contract';
import { checkOf, holds } from '../../jobs/plan/checks.ts';
import { grouped } from '../../kernel/figures.ts';
import { askedBy, askedByWithin } from '../record/drain-orders.ts';
import type { DrainOrder } from '../record/stored-placement.ts';
import { nodeCheck, type ShardSight } from '../nodes/node-checks.ts';

export interface DrainAsked {
  readonly shard_id: string;
  readonly tenant_id?: string | undefined;
  readonly action: 'drain' | 'resume';
  readonly node?: Source | undefined;
}

/** The node answers, or the operator says that it does not, and then it must not. */
export function nodeChecks({ node, action }: DrainAsked, sight: ShardSight): Check[] {
  const reachable = nodeCheck('node', sight);
  if (node !== 'gone') {
    const offer = 'If it is gone for now, say so (`node: gone`): then this is recorded, and it is told when it is back';
    return [reachable.status === 'block' ? { ...reachable, detail: `${reachable.detail}. ${offer}` } : reachable];
  }
  const { shard_id } = sight.shard;
  const title = 'The node is gone, as was said';
  if (sight.state) {
    const detail = `${shard_id} answers: without \`node: gone\` it is told now, and what it does is seen`;
    return [checkOf('node.gone', title, 'block', { measured: 'answers', limit: 'gone', detail })];
  }
  const meanwhile =
    action === 'drain'
      ? 'should it only be cut off from here, it serves on until then'
      : 'a node that restarts serves anyway, one that was paused is told to';
  return [
    checkOf('node.gone', title, 'pass', {
      measured: sight.problem,
      limit: 'gone',
      detail: `${shard_id}: ${sight.problem}`,
    }),
    checkOf('node.untold', 'What cannot be seen', 'warn', {
      measured: null,
      limit: null,
      detail: `the order is recorded, and ${shard_id} is told within seconds when it answers again; ${meanwhile}`,
    }),
  ];
}

/**
 * What stands already on this node, and what that means for what is asked. Whose drain of the whole node it is, is for
 * those who may see all: a plan about one tenant has other readers, too.
 */
export function orderedChecks(
  { shard_id, tenant_id, action }: DrainAsked,
  orders: readonly DrainOrder[],
  seesAll: boolean,
): Check[] {
  const here = orders.filter((order) => order.shard_id === shard_id && order.wanted === 'drained');
  const whole = here.find((order) => order.tenant_id === null);
  const single = here.filter((order) => order.tenant_id !== null);
  const title = 'What was ordered of this node before';
  const said = (status: Check['status'], measured: unknown, detail: string): Check[] => [
    checkOf('drain.ordered', title, status, { measured, limit: null, detail }),
  ];
  if (tenant_id !== undefined) {
    const own = single.find((order) => order.tenant_id === tenant_id);
    if (whole && action === 'resume')
      return said(
        'warn',
        'drained',
        `all of ${shard_id} is drained ${seesAll ? askedBy(whole) : askedByWithin(whole)}: ${tenant_id} is served there as an exception`,
      );
    return own ? said('pass', 'drained', `drained ${askedBy(own)}`) : [];
  }
  if (action === 'resume' && single.length > 0) {
    const named = single.slice(0, 5).map((order) => `${order.tenant_id} ${askedBy(order)}`).join('; '); // prettier-ignore
    const detail = `${grouped(single.length)} tenants are drained for themselves and stay so: ${named}`;
    return said('warn', single.length, detail);
  }
  return whole ? said('pass', 'drained', `drained ${askedBy(whole)}`) : [];
}

/** The order stands, so that a node which restarts is told again. */
export function orderCheck({ action, shard_id }: DrainAsked, order: DrainOrder | null, jobId: string): Check {
  const wanted = action === 'drain' ? 'drained' : 'serving';
  // An order to serve may have been fulfilled and forgotten by now.
  const stands = order ? order.wanted === wanted && order.job_id === jobId : wanted === 'serving';
  const measured = order ? `${order.wanted} ${askedBy(order)}` : 'none';
  const detail = `${shard_id}: ${order ? `ordered ${measured}` : 'nothing is ordered of it'}`;
  return holds('drain.ordered', 'It is recorded, and holds when the node restarts', stands, {
    measured,
    limit: wanted,
    detail,
  });
}

export const untold = ({ action, shard_id }: DrainAsked, { problem }: ShardSight): Check =>
  checkOf('drain.state', action === 'drain' ? 'The node has drained' : 'The node serves again', 'warn', {
    measured: null,
    limit: action === 'drain' ? 'drained' : 'serving',
    detail: `${shard_id}: ${problem}; it is told when it is back`,
  });
