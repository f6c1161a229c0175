/** One connection that comes back by itself, and the one way to call through it: a deadline of 3 s and one kind of error. */
import {
  jetstream,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../../kernel/ambient.ts';
import { within } from '../../../kernel/time.ts';

/** Of one call, reconnecting included. */
export const CALL_MS = 3000;
const STREAM_NOT_FOUND = 10059;
const WRONG_LAST_SEQUENCE: readonly number[] = [10071, 10164];

export const isMissing = (error: unknown): boolean => error instanceof JetStreamApiError && error.status === 404;
/** Also "no responders", which is how a publish or a direct get to a stream that is not there is answered. */
export const isStreamMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError
    ? error.code === STREAM_NOT_FOUND
    : (error as { code?: unknown }).code === 503 || /jetstream is not enabled/.test(messageOf(error));
export const isWrongSequence = (error: unknown): boolean =>
  error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.includes(error.code);

export interface Link {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

export class Connection {
  private readonly ambient: Ambient;
  /** Done at every connect, beside the calls: a server that was set up by an earlier version, or lost what it had. */
  private readonly prepare: (link: Link) => Promise<unknown>;
  private readonly opening: Promise<Link>;
  private up = Promise.withResolvers<void>();
  private nc: NatsConnection | undefined;
  private closed = false;
  /** Why the first connection does not come about, for the sentence in the problem. */
  private trouble = 'not connected yet';

  constructor(url: string, name: string, ambient: Ambient, prepare: (link: Link) => Promise<unknown>) {
    this.ambient = ambient;
    this.prepare = prepare;
    this.opening = this.open(url, name);
    // A wrong URL is reported by every call; it must not end the process before the first one.
    this.opening.catch(() => undefined);
  }

  /**
   * Runs `work` on the connection. While the server is away the call waits, instead of letting the client buffer a
   * write and send it long after the caller was told that it failed.
   * @throws Problem `bus.limit_reached` when NATS says so; `bus.unavailable` after 3 s, or when NATS answers with another
   * error that `work` did not handle
   */
  async call<T>(what: string, work: (link: Link) => Promise<T>): Promise<T> {
    if (this.closed) throw new Problem('bus.unavailable', `NATS cannot be reached: ${what}: the connection is closed`);
    const deadline = new AbortController();
    const run = async (): Promise<T> => {
      const link = await this.opening;
      await this.up.promise;
      // The server came back after the caller had given up: what was reported as failed must not happen now.
      deadline.signal.throwIfAborted();
      return work(link);
    };
    try {
      return await this.within(deadline, run());
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (isLimit(error))
        throw new Problem('bus.limit_reached', `NATS refuses: ${what}: ${messageOf(error)}`, {}, error);
      throw new Problem('bus.unavailable', `NATS cannot be reached: ${what}: ${messageOf(error)}`, {}, error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const link = this.nc;
    if (link) await link.close();
    // Not connected yet: the client cannot be told to stop trying, so it is closed as soon as it succeeds.
    else void this.opening.then(({ nc }) => nc.close()).catch(() => undefined);
  }

  private async open(url: string, name: string): Promise<Link> {
    for (;;) {
      try {
        return await this.connected(await connect({ servers: url, name, timeout: CALL_MS, ...FOR_EVER }));
      } catch (error) {
        if (this.closed) throw error;
        this.trouble = messageOf(error);
        await this.ambient.sleep(FOR_EVER.reconnectTimeWait);
      }
    }
  }

  private async connected(nc: NatsConnection): Promise<Link> {
    this.nc = nc;
    if (this.closed) await nc.close();
    const jsm = await jetstreamManager(nc, { timeout: CALL_MS, checkAPI: false });
    const link = { nc, js: jetstream(nc, { timeout: CALL_MS }), jsm };
    void this.follow(link);
    return link;
  }

  private async follow(link: Link): Promise<void> {
    // What does not come about now comes about with the first call that needs it.
    const prepare = (): unknown => this.prepare(link).catch(() => undefined);
    this.up.resolve();
    prepare();
    for await (const status of link.nc.status()) {
      if (status.type === 'disconnect') this.up = Promise.withResolvers();
      if (status.type !== 'reconnect') continue;
      this.up.resolve();
      prepare();
    }
  }

  private async within<T>(deadline: AbortController, work: Promise<T>): Promise<T> {
    const late = (): never => {
      throw new Error(this.nc ? `no answer in ${CALL_MS} ms` : this.trouble);
    };
    try {
      return await within(this.ambient, CALL_MS, work, late);
    } finally {
      deadline.abort();
    }
  }
}

const FOR_EVER = { maxReconnectAttempts: -1, reconnectTimeWait: 200, pingInterval: 5000, maxPingOut: 2 };

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
/** NATS' codes for "this much and no more": consumers, streams, memory, storage, account, message size, a full stream. */
const LIMIT_CODES: readonly number[] = [10002, 10023, 10026, 10027, 10028, 10047, 10054, 10077, 10097, 10122];
/** Also a message that is too large to be sent, which the client refuses by itself. */
export const isLimit = (error: unknown): boolean =>
  error instanceof JetStreamApiError
    ? LIMIT_CODES.includes(error.code)
    : error instanceof Error && /max_payload|MAX_PAYLOAD/.test(error.message);
