/** Who answers at an address, asked without the node token: only the node that is meant there is given it (NFR-06). */
import { z } from 'zod';
import { Problem, ServiceKind, ShardId } from '@cloudlysis/contract';
import type { NodeAddress } from './nodes-port.ts';

/** Unguarded, and answered whenever the process can answer at all (PC-01). */
export const IDENTITY_PATH = '/health/live';

const Identity = z.object({ service: ServiceKind, shard_id: ShardId });

/** @throws Problem `node.stranger` unless the answer says that it is the node which is meant */
export function assertIdentity(to: NodeAddress, status: number, text: string): void {
  const at = `what answers at ${to.endpoint}`;
  const stranger = (why: string): Problem => new Problem('node.stranger', why, { says: null });
  if (status >= 300 && status < 400)
    throw stranger(`${at} is no node: GET ${IDENTITY_PATH} answered ${status}: redirects are not followed`);
  if (status !== 200) throw stranger(`${at} is no node of this platform: GET ${IDENTITY_PATH} answered ${status}`);
  const said = Identity.safeParse(jsonOrNull(text));
  if (!said.success)
    throw stranger(`${at} does not say which node it is: GET ${IDENTITY_PATH} must carry service and shard_id`);
  const other = strangerIn(to, said.data);
  if (other) throw other;
}

/** Null when it is the node that is meant. */
export function strangerIn(
  { endpoint, kind, shard_id }: NodeAddress,
  said: { service: string; shard_id: string },
): Problem | null {
  const says = `${said.service}/${said.shard_id}`;
  if (says === `${kind}/${shard_id}`) return null;
  return new Problem('node.stranger', `the node at ${endpoint} says it is ${says}, not ${kind}/${shard_id}`, { says });
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
