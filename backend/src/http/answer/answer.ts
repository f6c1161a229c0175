/** Answers out: held against the contract before they leave, or streamed. */
import { pipeline } from 'node:stream/promises';
import { Problem, type Operation } from '@cloudlysis/contract';
import { z } from 'zod';
import type { Context } from 'koa';
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import {
  faultOf,
  MOST_TOLD,
  textOfId,
  WRONG_TYPES,
  type BadRecords,
  type Unreadable,
} from '../../kernel/bad-records.ts';
import type { Streamed } from '../../call/call.ts';
import type { HttpMetrics } from './http-metrics.ts';

export interface Answer {
  readonly status: number;
  readonly value: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AnswerDeps {
  readonly mode: 'development' | 'production';
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  readonly badRecords: BadRecords;
}

/**
 * The value as it may leave. One that does not fit is `internal` in development; in production undeclared fields are
 * taken out, the rest is sent as it is, and both are counted and logged: an operator's page is worth more than our type.
 * A text that is too long, such as what a node says of itself, is cut in both, and says so.
 */
export function checkedAnswer(operation: Operation, answer: Answer, deps: AnswerDeps): unknown {
  const schema = operation.answers[answer.status];
  if (!schema)
    throw new Problem('internal', undefined, {}, new Error(`${operation.id} has no answer ${answer.status}`));
  const result = schema.safeParse(answer.value);
  if (result.success) return answer.value;
  const { issues } = result.error;
  deps.metrics.answerViolation(operation.id);
  const where = issues.slice(0, 10).map(({ path, code, message }) => ({ path: path.join('.'), code, message }));
  deps.logger.error({ operation: operation.id, status: answer.status, issues: where }, 'answer outside the contract');
  const value = structuredClone(answer.value);
  const long = issues.filter((issue) => issue.code === 'too_big' && issue.origin === 'string');
  for (const issue of long) if (issue.code === 'too_big') shorten(value, issue.path, Number(issue.maximum));
  if (deps.mode === 'development' && long.length < issues.length)
    throw new Problem('internal', undefined, {}, new Error(`Answer outside the contract: ${JSON.stringify(where)}`));
  for (const issue of issues) if (issue.code === 'unrecognized_keys') strip(value, issue.path, issue.keys);
  return value;
}

function shorten(value: unknown, path: readonly PropertyKey[], max: number): void {
  const holder = path.slice(0, -1).reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown>)?.[step], value);
  const text = (holder as Record<PropertyKey, unknown>)[path.at(-1)!] as string;
  const mark = ` … (${text.length} characters)`;
  Reflect.set(holder as object, path.at(-1)!, text.slice(0, max - mark.length).toWellFormed() + mark);
}

function strip(value: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  const holder = path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown>)?.[step], value);
  if (typeof holder === 'object' && holder !== null) for (const key of keys) Reflect.deleteProperty(holder, key);
}

/** A reader that takes nothing for this long is gone; an event stream says something every 15 s. */
const STALLED_MS = 60_000;
/** A caller who is no longer let in is sent no more of a stream after this time. */
const LOOK_MS = 500;

interface Page {
  readonly items: readonly unknown[];
  readonly unreadable?: readonly Unreadable[];
}

/**
 * A page without the rows that the contract does not know, which are told of beside those that could not be read at all;
 * of neither to a caller who sees a part of the platform. Anything that is no such page stays as it is.
 */
export function readablePage(operation: Operation, value: unknown, seesAll: () => boolean, bad: BadRecords): unknown {
  const schema = operation.answers[200];
  if (!(schema instanceof z.ZodObject) || !('unreadable' in schema.shape)) return value;
  const { items, unreadable = [], ...rest } = value as Page;
  const { error } = schema.safeParse({ items, ...rest });
  const wrong = new Map<number, string>();
  for (const issue of error?.issues ?? []) {
    const [list, at] = issue.path;
    if (list === 'items' && typeof at === 'number' && WRONG_TYPES.has(issue.code) && !wrong.has(at))
      wrong.set(at, faultOf(issue, 2));
  }
  if (unreadable.length === 0 && wrong.size === 0) return { items, ...rest };
  const found = [...unreadable, ...[...wrong].map(([at, reason]) => ({ id: idOfRow(items[at]), reason }))];
  for (const one of found) bad.note(operation.id, one);
  const rows = items.filter((_, at) => !wrong.has(at));
  return { ...rest, items: rows, ...(seesAll() ? { unreadable: found.slice(0, MOST_TOLD) } : {}) };
}

function idOfRow(row: unknown): string {
  const { job_id, record_id, tenant_id, shard_id } = row as Record<string, unknown>;
  return textOfId(job_id ?? record_id ?? tenant_id ?? shard_id);
}

/** Streams that are being sent; event streams have no end of their own, so a stop ends them. */
export class OpenStreams {
  private readonly endless = new Set<Streamed>();
  private readonly ambient: Ambient;

  constructor(ambient: Ambient) {
    this.ambient = ambient;
  }

  /** Resolves when all is sent or the client is gone; a stream that breaks breaks the connection, so that nobody takes it for whole. */
  async send(ctx: Context, streamed: Streamed, onHead: () => void, letIn: () => unknown): Promise<void> {
    const { type, stream, filename } = streamed;
    // Whoever went away before the first byte ends nothing any more: 2 of 20 streams stayed open for ever.
    const { socket } = ctx.req;
    const gone = (): void => void stream.destroy();
    socket.once('close', gone);
    if (socket.destroyed || socket.writableEnded) {
      gone();
      ctx.respond = false;
      return void ctx.res.destroy();
    }
    const endless = type.startsWith('text/event-stream');
    ctx.respond = false;
    ctx.set('Content-Type', type);
    ctx.set('Cache-Control', 'no-store, no-transform');
    if (endless) ctx.set('X-Accel-Buffering', 'no');
    if (filename) ctx.set('Content-Disposition', `attachment; filename="${filename.replace(/[^\w.-]/g, '_')}"`);
    ctx.res.statusCode = 200;
    ctx.res.flushHeaders();
    onHead();
    if (endless) this.endless.add(streamed);
    ctx.res.setTimeout(STALLED_MS, () => ctx.res.destroy());
    const sent = new AbortController();
    void this.endWhenRefused(streamed, letIn, sent.signal);
    try {
      await pipeline(stream, ctx.res);
    } finally {
      sent.abort();
      this.endless.delete(streamed);
      socket.off('close', gone);
      stream.destroy();
    }
  }

  /** A token that is revoked, or expires, ends what it opened; so does a right that is taken away. */
  private async endWhenRefused({ stream }: Streamed, letIn: () => unknown, sent: AbortSignal): Promise<void> {
    for (;;) {
      await this.ambient.sleep(LOOK_MS, sent).catch(() => undefined);
      if (sent.aborted) return;
      try {
        await letIn();
      } catch (error) {
        const isRefused = error instanceof Problem && (error.status === 401 || error.code === 'permission.missing');
        if (isRefused) return void stream.destroy();
      }
    }
  }

  endEventStreams(): void {
    for (const { stream } of this.endless) stream.destroy();
  }
}
