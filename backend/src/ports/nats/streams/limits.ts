/** The limits of a stream: how many consumers it may have is always told, and what it holds of each limit can be read. */
import { JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { Link } from '../port/connection.ts';
import { STREAMS } from '../port/names.ts';
import type { StreamLimit } from '../port/nats-port.ts';

/**
 * Two consumers a tenant on EVENTS: room for 50 000 tenants. A stream that says nothing has 1 000 since NATS 2.15, and
 * one that says −1 as well (nats-server#8337): the 501st tenant could not be made.
 */
export const MAX_CONSUMERS = 100_000;
const UNTOLD_CONSUMERS = 1_000;
const BUCKETS = ['placement', 'config', 'iam_revocations', 'read_models', 'outbox', 'snapshots', 'probes'];
const ALL = [...Object.keys(STREAMS), ...BUCKETS.map((name) => `KV_${name}`)];

/** What the account allows each of its streams; null without a limit, or where it may not be asked. */
async function accountConsumers(jsm: JetStreamManager): Promise<number | null> {
  const limit = await jsm.getAccountInfo().then(
    ({ limits }) => limits.max_consumers,
    () => 0,
  );
  return limit > 0 ? limit : null;
}

/** Null where there is none: an old server without a word of it. */
function consumerLimit({ nc }: Link, told: number, account: number | null): number | null {
  const [major = 0, minor = 0] = (nc.info?.version ?? '').split('.').map(Number);
  const hasDefault = major > 2 || (major === 2 && minor >= 15);
  if (told > 0) return Math.min(told, account ?? told);
  return account ?? (hasDefault ? UNTOLD_CONSUMERS : null);
}

/** What a new stream is told. */
export const wantedConsumers = async ({ jsm }: Link): Promise<number> =>
  Math.min(MAX_CONSUMERS, (await accountConsumers(jsm)) ?? MAX_CONSUMERS);

/**
 * Raises the limit of a stream that was made with a lower one; never lowers it. A server that cannot (before 2.14) keeps
 * what it has, and whoever reads the limits sees it.
 */
export async function raiseConsumers(link: Link, found: StreamInfo, known?: number | null): Promise<StreamInfo> {
  if (found.config.max_consumers >= MAX_CONSUMERS) return found;
  const account = known === undefined ? await accountConsumers(link.jsm) : known;
  const limit = consumerLimit(link, found.config.max_consumers, account);
  const max_consumers = Math.min(MAX_CONSUMERS, account ?? MAX_CONSUMERS);
  if (limit === null || limit >= max_consumers) return found;
  // Changeable since NATS 2.14, which the client's types do not know yet.
  const changed = link.jsm.streams.update(found.config.name, Object.assign({ ...found.config }, { max_consumers }));
  return changed.catch((error: unknown) => {
    if (error instanceof JetStreamApiError) return found;
    throw error;
  });
}

/** Every limit of every stream of the platform that is there; those that are too low are raised first. */
export async function streamLimits(link: Link): Promise<StreamLimit[]> {
  const account = await accountConsumers(link.jsm);
  const found = await Promise.all(ALL.map((name) => link.jsm.streams.info(name).catch(missing)));
  const raised = await Promise.all(found.flatMap((info) => (info ? [raiseConsumers(link, info, account)] : [])));
  return raised.flatMap(({ config, state }) => {
    const { name: stream } = config;
    const consumers = consumerLimit(link, config.max_consumers, account);
    const rows: StreamLimit[] = [
      { stream, what: 'consumers', used: state.consumer_count, limit: consumers },
      { stream, what: 'messages', used: state.messages, limit: positive(config.max_msgs) },
      { stream, what: 'bytes', used: state.bytes, limit: positive(config.max_bytes) },
    ];
    return rows;
  });
}

const positive = (limit: number): number | null => (limit > 0 ? limit : null);

function missing(error: unknown): null {
  if (error instanceof JetStreamApiError && error.status === 404) return null;
  throw error;
}
