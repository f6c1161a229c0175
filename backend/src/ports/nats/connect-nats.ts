/** NATS as the control plane sees it: boards, streams and what was written to them, over one connection. */
import type { ConsumerInfo as Consumer } from '@nats-io/jetstream';
import { pino, type Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { z } from 'zod';
import { ShardId, TenantId } from '@cloudlysis/contract';
import { systemAmbient, type Ambient } from '../../kernel/ambient.ts';
import { Connection, isStreamMissing, type Link } from './port/connection.ts';
import { eventsAfter, lastEvent } from './streams/events.ts';
import { createKvBoard } from './kv/kv-board.ts';
import { CONFIG_BUCKET, consumerName, PLACEMENT_BUCKET, REVOCATIONS_BUCKET } from './port/names.ts';
import type {
  BucketSight,
  ConsumerInfo,
  JetStreamAccount,
  NatsPort,
  PublishedPlacement,
  TenantFlags,
} from './port/nats-port.ts';
import { createStaticBoard } from './kv/static-board.ts';
import { streamLimits } from './streams/limits.ts';
import { ensureConsumer, ensureStreams, existing } from './streams/streams.ts';

export interface NatsOptions {
  readonly ambient?: Ambient;
  /** Shown by the server as the connection's name. */
  readonly name?: string;
  /** Takes `cp_bus_unreadable_total{source}`. */
  readonly metrics?: Registry;
  /** Set for `PLACEMENT_SOURCE=static`: placements then come from this file and cannot be written. */
  readonly placementFile?: string | undefined;
  readonly logger?: Logger;
  /** Milliseconds between two comparisons of a watch with its whole bucket; 60 000 unless told. */
  readonly checkMs?: number;
}

const Published: z.ZodType<PublishedPlacement> = z.object({
  shard: ShardId,
  revision: z.number().int().nonnegative(),
  job_id: z.string().nullable().catch(null),
});
const Flags: z.ZodType<TenantFlags> = z.object({
  paused: z.boolean(),
  reason: z.string().catch(''),
  revision: z.number().int().nonnegative(),
});

/** What a revocation says does not matter: that it is there is what counts. */
const Anything = z.literal(true);

/**
 * Returns once connected, or after 3 s without: the port then goes on trying, and its calls are refused with
 * `bus.unavailable` until it succeeds, so that a control plane starts, and stays up, without NATS.
 */
export async function connectNats(url: string, options: NatsOptions = {}): Promise<NatsPort> {
  const { ambient = systemAmbient(), name = 'cloudlysis-control', metrics, placementFile, checkMs } = options;
  const logger = options.logger ?? pino({ level: 'silent' });
  const connection = new Connection(url, name, ambient, ensureStreams);
  const counter = unreadableCounter(metrics);
  const unreadable = (source: string) => (): void => counter.inc({ source });
  const call = callWith(connection);
  const board = { call, ambient, logger, checkMs };
  const published = { value: Published, unreadable: unreadable('placement') };
  const port: NatsPort = {
    placement: placementFile
      ? createStaticBoard({ file: placementFile, ...published, ambient, logger })
      : createKvBoard({ ...board, ...published, bucket: PLACEMENT_BUCKET }),
    config: createKvBoard({ ...board, bucket: CONFIG_BUCKET, value: Flags, unreadable: unreadable('config') }),
    revocations: createKvBoard({
      ...board,
      bucket: REVOCATIONS_BUCKET,
      value: Anything,
      always: true,
      unreadable: unreadable('revocations'),
    }),
    ensureStreams: () => call('making the streams', ensureStreams),
    ...consumersOf(call),
    lastEvent: (tenantId) => call(`reading the log of ${tenantId}`, (link) => lastEvent(link, safe(tenantId))),
    eventsAfter: (tenantId, seq, limit) =>
      call(`reading the log of ${tenantId}`, (link) =>
        eventsAfter(link, safe(tenantId), seq, limit, unreadable('events')),
      ),
    account: () => connection.call('reading the account', accountOf),
    limits: () => connection.call('reading the limits of the streams', streamLimits),
    bucket: (name) => connection.call(`reading bucket ${name}`, (link) => bucketOf(link, name)),
    ping: () => connection.call('ping', ({ nc }) => nc.rtt()),
    close: () => connection.close(),
  };
  await port.ping().catch(() => undefined);
  return port;
}

type Call = <R>(what: string, work: (link: Link) => Promise<R>) => Promise<R>;

/** A NATS that lost its data, or that nobody set up yet, gets the streams and buckets made at the first call. */
const callWith =
  (connection: Connection): Call =>
  (what, work) =>
    connection.call(what, async (link) => {
      try {
        return await work(link);
      } catch (error) {
        if (!isStreamMissing(error)) throw error;
        await ensureStreams(link);
        return work(link);
      }
    });

function consumersOf(call: Call): Pick<NatsPort, 'ensureConsumers' | 'deleteConsumers' | 'consumer' | 'consumers'> {
  return {
    ensureConsumers: (tenantId) =>
      call(`making the consumers of ${tenantId}`, async (link) => {
        const made: string[] = [];
        for (const kind of ['projection', 'runner'] as const)
          if (await ensureConsumer(link, kind, safe(tenantId))) made.push(consumerName(kind, tenantId));
        return made;
      }),
    deleteConsumers: (tenantId, names) =>
      call(`deleting consumers of ${tenantId}`, async ({ jsm }) => {
        for (const consumer of names) await existing(() => jsm.consumers.delete('EVENTS', consumer));
      }),
    consumer: (tenantId, kind) =>
      call(`reading consumer ${consumerName(kind, tenantId)}`, async ({ jsm }): Promise<ConsumerInfo | null> => {
        const found = await existing(() => jsm.consumers.info('EVENTS', consumerName(kind, safe(tenantId))));
        return found && told(found);
      }),
    async *consumers() {
      const pages = await call('reading the consumers', async ({ jsm }) => jsm.consumers.list('EVENTS'));
      for (;;) {
        const page = await call('reading the consumers', () => existing(() => pages.next()));
        if (!page || page.length === 0) return;
        yield page.map(told);
      }
    },
  };
}

const told = ({ name, num_pending: pending, num_ack_pending: ackPending, num_redelivered: redelivered }: Consumer): ConsumerInfo => ({
  name, lag: pending + ackPending, pending, ackPending, redelivered,
}); // prettier-ignore

async function accountOf({ jsm }: Link): Promise<JetStreamAccount> {
  const { storage, limits, streams, consumers } = await jsm.getAccountInfo();
  const limit = limits.max_storage;
  return { storedBytes: storage, limitBytes: limit > 0 ? limit : null, streams, consumers };
}

/** A bucket is a stream; asking for that one makes nothing, where opening the bucket might. */
async function bucketOf({ jsm }: Link, name: string): Promise<BucketSight | null> {
  const found = await existing(() => jsm.streams.info(`KV_${name}`));
  return found && { values: found.state.messages, bytes: found.state.bytes };
}

/** An id becomes a token of a subject: nothing but a tenant id may, whoever asks. */
const safe = (tenantId: string): string => TenantId.parse(tenantId);

function unreadableCounter(metrics: Registry | undefined): Counter<'source'> {
  const name = 'cp_bus_unreadable_total';
  const known = metrics?.getSingleMetric(name) as Counter<'source'> | undefined;
  const help = 'Values on NATS that are not what the platform contract says, and were ignored';
  return known ?? new Counter({ name, help, labelNames: ['source'], registers: metrics ? [metrics] : [] });
}
