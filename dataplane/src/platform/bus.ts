// One NATS connection that reconnects for ever, plus the streams, buckets and consumers the platform stands on.
import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { connect, nanos, type NatsConnection } from '@nats-io/transport-node';
import { ambient } from './ambient.ts';
import { BUCKETS, STREAMS, consumerName, subjects, type BucketName, type StreamName } from './names.ts';

const NOT_FOUND = 404;
const WRONG_LAST_SEQUENCE = new Set([10071, 10164]);
const API_TIMEOUT_MS = 3000;

export interface Bus {
  nc: NatsConnection;
  js: JetStreamClient;
  jsm: JetStreamManager;
  kv: (bucket: BucketName) => KV;
  connected: () => boolean;
}

export const isMissing = (err: unknown): boolean => err instanceof JetStreamApiError && err.status === NOT_FOUND;
export const isWrongSequence = (err: unknown): boolean =>
  err instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(err.code);

/** Waits for NATS as long as it takes; `reconnected` runs after every return of the server. */
export async function connectBus(url: string, name: string, reconnected: () => void): Promise<Bus> {
  const nc = await connect({
    servers: url,
    name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    pingInterval: 5000,
    maxPingOut: 2,
  });
  let up = true;
  void (async () => {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') up = false;
      if (status.type === 'reconnect') {
        up = true;
        reconnected();
      }
    }
  })().catch(() => (up = false));
  const js = jetstream(nc, { timeout: API_TIMEOUT_MS });
  const jsm = await jetstreamManager(nc, { timeout: API_TIMEOUT_MS, checkAPI: false });
  const kvm = new Kvm(js);
  const buckets = new Map<string, KV>();
  for (const bucket of BUCKETS) buckets.set(bucket, await kvm.open(bucket, { allow_direct: false }));
  return { nc, js, jsm, kv: (bucket) => buckets.get(bucket)!, connected: () => up && !nc.isClosed() };
}

/** Creates what is absent and leaves alone what is there: the control plane may have set it up with other limits. */
export async function ensurePlatform(bus: Bus): Promise<void> {
  for (const name of Object.keys(STREAMS) as StreamName[]) {
    await createIfMissing(
      () => bus.jsm.streams.info(name),
      () => bus.jsm.streams.add({ name, subjects: [STREAMS[name]], allow_direct: true }),
    );
  }
  for (const bucket of BUCKETS) {
    await createIfMissing(
      () => bus.jsm.streams.info(`KV_${bucket}`),
      () => new Kvm(bus.js).create(bucket, { history: 1 }),
    );
  }
}

/** The tenant's durable consumer; its ack floor is the checkpoint that moves with the tenant. */
export async function ensureConsumer(bus: Bus, kind: 'projection' | 'runner', tenant: string): Promise<void> {
  const durable_name = consumerName(kind, tenant);
  await createIfMissing(
    () => bus.jsm.consumers.info('EVENTS', durable_name),
    () =>
      bus.jsm.consumers.add('EVENTS', {
        durable_name,
        filter_subject: subjects.tenantEvents(tenant),
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        ack_wait: nanos(10_000),
        max_ack_pending: 512,
      }),
  );
}

async function createIfMissing(find: () => Promise<unknown>, create: () => Promise<unknown>): Promise<void> {
  try {
    await find();
  } catch (err) {
    if (!isMissing(err)) throw err;
    // Nodes start together: losing the race to create is success, which the second look proves.
    await create().catch(() => ambient.sleep(20).then(find));
  }
}
