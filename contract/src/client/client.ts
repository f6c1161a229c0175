/** The typed client of the plugin, of tests and of automation: the types of the operations, and a table of where they are. */
import type { z } from 'zod';
import type { MutationId, mutations, ReadId, reads } from '../catalogue.ts';
import { eventsOf } from './event-stream.ts';
import type { Job, JobTicket, Plan } from '../jobs.ts';
import { Problem, PROBLEMS, type ProblemCode } from '../problem.ts';
import { API_PREFIX, CHANGE_ROUTES, READ_ROUTES } from './routes.ts';
import { isFinal } from '../words.ts';

type Submit<K extends MutationId> = (typeof mutations)[K]['submit'];
type ReadOf<K extends ReadId> = (typeof reads)[K];
type StreamId = { [K in ReadId]: ReadOf<K> extends { streams: readonly string[] } ? K : never }[ReadId];
type PlainReadId = Exclude<ReadId, StreamId>;

/** Path parameters: asked for exactly where the path has some. */
type Params<P> = string extends keyof P ? { params?: undefined } : { params: P };

export type ReadInput<K extends ReadId> = Params<z.output<ReadOf<K>['params']>> & {
  query?: Partial<z.output<ReadOf<K>['query']>>;
  signal?: AbortSignal | undefined;
};
export type ReadAnswer<K extends ReadId> = z.output<ReadOf<K>['answers'][200]>;

export type MutationInput<K extends MutationId> = Params<z.output<Submit<K>['params']>> & {
  body: z.input<Submit<K>['body']>;
  signal?: AbortSignal | undefined;
};
export type PreflightInput<K extends MutationId> = Omit<MutationInput<K>, 'body'> & {
  /** As for the change; the reason may come later. */
  body: z.input<(typeof mutations)[K]['preflight']['body']>;
};
export type SubmitInput<K extends MutationId> = MutationInput<K> & {
  /** The same key for every try of the same change: it makes them one job. */
  idempotencyKey: string;
  /** `hash` of the plan that was shown; high-risk changes are refused without. */
  planHash?: string | undefined;
  /** Seconds to wait for the end, at most 60. */
  wait?: number | undefined;
};
/** 200: the job has ended and is whole; 202: it was accepted. */
export type Submitted = { status: 200; job: Job } | { status: 202; job: z.infer<typeof JobTicket> };

export interface ClientOptions {
  /** Where `/admin/v1` begins, without a trailing slash. */
  baseUrl: string;
  fetch: typeof fetch;
  /** Asked before every request, so that a token may change. */
  headers?: () => Record<string, string>;
  /** Milliseconds before the second try of a submit and between looks at a followed job; 250 unless told. */
  pauseMs?: number;
}

type OptionalIfEmpty<T> = Partial<T> extends T ? [input?: T] : [input: T];

/** @throws Problem from every method: what the server said, with `extra` (its other members and `instance`, the request id). */
export interface Client {
  read<K extends PlainReadId>(id: K, ...input: OptionalIfEmpty<ReadInput<K>>): Promise<ReadAnswer<K>>;
  /** An answer that is streamed: the response once its head is there. */
  stream<K extends StreamId>(id: K, ...input: OptionalIfEmpty<ReadInput<K>>): Promise<Response>;
  preflight<K extends MutationId>(id: K, input: PreflightInput<K>): Promise<Plan>;
  /** Tried up to three times when the network fails; the key makes that one job. */
  submit<K extends MutationId>(id: K, input: SubmitInput<K>): Promise<Submitted>;
  /** Tells every state of a job until it is final, which it returns; over server-sent events, else by asking. */
  follow(jobId: string, onJob: (job: Job) => void, signal?: AbortSignal): Promise<Job>;
}

interface Sent {
  params?: Record<string, unknown> | undefined;
  query?: Record<string, unknown> | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

const TRIES = 3;

export function createClient(options: ClientOptions): Client {
  const { pauseMs = 250 } = options;

  async function send({ method, path }: Route, sent: Sent, headers: Record<string, string> = {}) {
    const response = await options.fetch(options.baseUrl + urlOf(path, sent), {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers?.(),
        ...headers,
      },
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
      ...(sent.signal ? { signal: sent.signal } : {}),
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  const read: Client['read'] = async (id, input?) => jsonOf(await send(readRoute(id), input ?? {}));
  const stream: Client['stream'] = (id, input?) => send(readRoute(id), input ?? {}, { accept: '*/*' });
  const preflight: Client['preflight'] = async (id, input) => {
    const { path } = changeRoute(id);
    return jsonOf(await send({ method: 'POST', path: `${path}/preflight` }, input));
  };

  const submit: Client['submit'] = async (id, input) => {
    const headers = {
      'idempotency-key': input.idempotencyKey,
      ...(input.planHash ? { 'plan-hash': input.planHash } : {}),
      ...(input.wait ? { prefer: `wait=${Math.ceil(input.wait)}` } : {}),
    };
    for (let left = TRIES - 1; ; left--) {
      try {
        const response = await send(changeRoute(id), input, headers);
        return { status: response.status, job: await jsonOf(response) } as Submitted;
      } catch (error) {
        if (error instanceof Problem || left === 0 || input.signal?.aborted) throw error;
        await pause(pauseMs * (TRIES - left), input.signal);
      }
    }
  };

  const follow: Client['follow'] = async (jobId, onJob, signal) => {
    const params = { job_id: jobId };
    const told = (job: Job): Job | null => {
      onJob(job);
      return isFinal(job) ? job : null;
    };
    for (let look = 1; ; look++) {
      try {
        const response = await stream('jobs.events', { params, signal });
        for await (const event of eventsOf(response)) {
          const job = event.name === 'job' && told(JSON.parse(event.data) as Job);
          if (job) return job;
        }
      } catch (error) {
        // What was refused stays refused; a stream that broke or never began is no reason to stop asking.
        if (signal?.aborted || isRefused(error)) throw error;
      }
      const job = told(await patiently(() => read('jobs.get', { params, signal }), pauseMs, signal));
      if (job) return job;
      await pause(pauseMs * Math.min(look, 8), signal);
    }
  };
  return { read, stream, preflight, submit, follow };
}

/** What the server sends fits the contract (it checks its own answers), so nothing is parsed twice. */
const jsonOf = async <T>(response: Response): Promise<T> => (await response.json()) as T;

interface Route {
  readonly method: string;
  readonly path: string;
}

const readRoute = (id: ReadId): Route => ({ method: 'GET', path: READ_ROUTES[id] });

export function changeRoute(id: MutationId): Route {
  const [method = '', path = ''] = CHANGE_ROUTES[id].split(' ');
  return { method, path };
}

/** For what a browser opens by itself, such as a download or an event stream. */
export const urlOfRead = (id: ReadId, asked: Pick<Sent, 'params' | 'query'>): string => urlOf(READ_ROUTES[id], asked);

function urlOf(path: string, { params = {}, query = {} }: Sent): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return API_PREFIX + filled + (search && `?${search}`);
}

/** Asks again, a few times, while the network or the server is away. */
async function patiently<T>(ask: () => Promise<T>, pauseMs: number, signal?: AbortSignal): Promise<T> {
  for (let left = 10; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (signal?.aborted || left === 0 || isRefused(error)) throw error;
      await pause(pauseMs * (11 - left), signal);
    }
  }
}

/** "Too many now" is no refusal: it passes. */
const isRefused = (error: unknown): boolean =>
  error instanceof Problem && error.status < 500 && error.status !== PROBLEMS['rate.limited'].status;

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/** An answer that is not a problem document comes from something in between, such as a proxy. */
async function problemOf(response: Response): Promise<Problem> {
  const document: unknown = await response.json().catch(() => null);
  const { code, detail, type: _type, title: _title, ...extra } = (document ?? {}) as Record<string, unknown>;
  if (typeof code === 'string' && Object.hasOwn(PROBLEMS, code))
    return new Problem(code as ProblemCode, typeof detail === 'string' ? detail : undefined, extra);
  return new Problem('internal', `HTTP ${response.status} without a problem document`, {
    http_status: response.status,
  });
}
