// The proof after the fact: every acknowledged command is in the log exactly once, at its version, without gaps.
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { TenantEvent } from '../platform/event-log.ts';
import { subjects } from '../platform/names.ts';

export interface LogProof {
  events: number;
  /** Acknowledged command ids that are not in the log, or not at the version that was acknowledged. */
  lost: number;
  /** Events whose command id occurred before in the same log. */
  duplicated: number;
  /** Events whose version is not the one after their predecessor's. */
  gaps: number;
}

export async function verifyLogs(natsUrl: string, acknowledged: Map<string, Map<string, number>>): Promise<LogProof> {
  const nc = await connect({ servers: natsUrl, name: 'load-verify' });
  try {
    const total: LogProof = { events: 0, lost: 0, duplicated: 0, gaps: 0 };
    for (const [tenant, ids] of acknowledged) {
      const proof = checkLog(await readLog(nc, tenant), ids);
      for (const key of Object.keys(total) as (keyof LogProof)[]) total[key] += proof[key];
    }
    return total;
  } finally {
    await nc.close();
  }
}

/** Pure. */
export function checkLog(events: TenantEvent[], acknowledged: Map<string, number>): LogProof {
  const seen = new Map<string, number>();
  let duplicated = 0;
  let gaps = 0;
  events.forEach((event, index) => {
    if (seen.has(event.command_id)) duplicated++;
    else seen.set(event.command_id, event.version);
    if (event.version !== index + 1) gaps++;
  });
  const lost = [...acknowledged].filter(([id, version]) => seen.get(id) !== version).length;
  return { events: events.length, lost, duplicated, gaps };
}

export async function readLog(nc: NatsConnection, tenant: string): Promise<TenantEvent[]> {
  const jsm = await jetstreamManager(nc);
  const subject = subjects.log(tenant);
  const head = await jsm.streams.getMessage('EVENTS', { last_by_subj: subject });
  if (!head) return [];
  const consumer = await jetstream(nc).consumers.get('EVENTS', {
    filter_subjects: subject,
    deliver_policy: DeliverPolicy.All,
  });
  const events: TenantEvent[] = [];
  for await (const msg of await consumer.consume({ max_messages: 1000 })) {
    events.push(msg.json<TenantEvent>());
    if (msg.seq >= head.seq || msg.info.pending === 0) break;
  }
  await consumer.delete().catch(() => undefined);
  return events;
}
