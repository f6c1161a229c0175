// One NATS connection that reconnects for ever, plus the streams, buckets and consumers the platform stands on.
import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { connect, nanos, type NatsConnection } from '@nats-io/transport-node';
import { ambient } from './ambient.ts';
import { BUCKETS, MAX_CONSUMERS, STREAMS, consumerName, subjects, type BucketName, type StreamName } from './names.ts';

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

/**
 * Creates what is absent and leaves alone what is there, save a limit of consumers that is too low: the control plane may
 * have set the rest up otherwise, but with 1 000 consumers a platform ends at 500 tenants.
 */
export async function ensurePlatform(bus: Bus): Promise<void> {
  for (const name of Object.keys(STREAMS) as StreamName[]) {
    const find = (): Promise<StreamInfo> => bus.jsm.streams.info(name);
    const found = await createIfMissing(find, () =>
      bus.jsm.streams.add({ name, subjects: [STREAMS[name]], allow_direct: true }),
    );
    await raiseConsumers(bus, found);
  }
  for (const bucket of BUCKETS) {
    const find = (): Promise<StreamInfo> => bus.jsm.streams.info(`KV_${bucket}`);
    await raiseConsumers(bus, await createIfMissing(find, () => new Kvm(bus.js).create(bucket, { history: 1 })));
  }
}

/** Never lowers it. An account that allows a stream fewer has the last word, and a server that cannot change it, too. */
async function raiseConsumers({ jsm }: Bus, { config }: StreamInfo): Promise<void> {
  if (config.max_consumers >= MAX_CONSUMERS) return;
  const account = await jsm.getAccountInfo().then(
    ({ limits }) => limits.max_consumers,
    () => 0,
  );
  const max_consumers = account > 0 ? Math.min(account, MAX_CONSUMERS) : MAX_CONSUMERS;
  if (config.max_consumers >= max_consumers) return;
  // Changeable since NATS 2.14, which the client's types do not know yet.
  await jsm.streams.update(config.name, Object.assign({ ...config }, { max_consumers })).catch((err: unknown) => {
    if (!(err instanceof JetStreamApiError)) throw err;
  });
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

async function createIfMissing<T>(find: () => Promise<T>, create: () => Promise<unknown>): Promise<T> {
  try {
    return await find();
  } catch (err) {
    if (!isMissing(err)) throw err;
    // Nodes start together: losing the race to create is success, which the second look proves.
    return create().then(find, () => ambient.sleep(20).then(find));
  }
}
