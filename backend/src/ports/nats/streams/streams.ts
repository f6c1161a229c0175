/** The streams, buckets and consumers the platform stands on, made when they are absent; of what is there only a limit that is too low is changed. */
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/transport-node';
import { isMissing, type Link } from '../port/connection.ts';
import { raiseConsumers, wantedConsumers } from './limits.ts';
import { BUCKETS, consumerName, STREAMS, tenantEvents, type ConsumerKind } from '../port/names.ts';

export async function ensureStreams(link: Link): Promise<void> {
  const { js, jsm } = link;
  for (const [name, subject] of Object.entries(STREAMS)) {
    const found = await existing(() => jsm.streams.info(name));
    if (!found) {
      // Events are read back by direct gets, so that reading leaves no consumer behind.
      await jsm.streams.add({
        name,
        subjects: [subject],
        allow_direct: true,
        max_consumers: await wantedConsumers(link),
      });
    } else {
      const { config } = await raiseConsumers(link, found);
      if (!config.allow_direct) await jsm.streams.update(name, { ...config, allow_direct: true });
    }
  }
  for (const bucket of BUCKETS) {
    await new Kvm(js).create(bucket, { history: 1 });
    // A bucket cannot be told when it is made; every node that follows it has a consumer there.
    await raiseConsumers(link, await jsm.streams.info(`KV_${bucket}`));
  }
}

/** True when it had to be made. */
export async function ensureConsumer({ jsm }: Link, kind: ConsumerKind, tenantId: string): Promise<boolean> {
  const durable_name = consumerName(kind, tenantId);
  if (await existing(() => jsm.consumers.info('EVENTS', durable_name))) return false;
  await jsm.consumers.add('EVENTS', {
    durable_name,
    filter_subject: tenantEvents(tenantId),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(10_000),
    max_ack_pending: 512,
  });
  return true;
}

/** What `find` finds; null when NATS says that there is no such thing. */
export async function existing<T>(find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
