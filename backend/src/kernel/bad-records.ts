/** Stored records that cannot be read: each is told of by id and reason, and the rest is served. */
import { Problem } from '@cloudlysis/contract';
import type { z } from 'zod';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { Ambient } from './ambient.ts';

export interface Unreadable {
  readonly id: string;
  readonly reason: string;
}

export interface BadRecord extends Unreadable {
  /** Where it was met: a list or a collection. */
  readonly where: string;
}

export interface BadRecords {
  /** Logged and counted once. */
  note(where: string, found: Unreadable): void;
  /** Met within the last minutes. */
  known(): BadRecord[];
}

/** Told of in one answer. */
export const MOST_TOLD = 50;
const REMEMBERED = 500;
const FORGOTTEN_MS = 600_000;

/** An id of whatever type, as text. */
export const textOfId = (id: unknown): string => {
  const text = typeof id === 'string' ? id : `${typeof id}:${JSON.stringify(id) ?? String(id)}`;
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
};

/** Each row as it is read, and those that cannot be; `schema` is for rows that nobody holds against the contract later. */
export function readRows<R extends { readonly _id: unknown }, W>(
  rows: readonly R[],
  read: (row: R) => W,
  schema?: z.ZodType<W>,
): { items: W[]; unreadable: Unreadable[] } {
  const items: W[] = [];
  const unreadable: Unreadable[] = [];
  for (const row of rows) {
    try {
      const item = read(row);
      const wrong = schema?.safeParse(item).error?.issues.find(({ code }) => WRONG_TYPES.has(code));
      if (wrong) unreadable.push({ id: textOfId(row._id), reason: faultOf(wrong) });
      else items.push(item);
    } catch (error) {
      unreadable.push({ id: textOfId(row._id), reason: reasonOf(error) });
    }
  }
  return { items, unreadable };
}

/** Those that a judge finds nothing wrong with, and the others by id and reason. */
export function sifted<R extends { readonly _id: unknown }>(
  rows: readonly R[],
  fault: (row: R) => string | null,
): { good: R[]; unreadable: Unreadable[] } {
  const good: R[] = [];
  const unreadable: Unreadable[] = [];
  for (const row of rows) {
    const reason = fault(row);
    if (reason === null) good.push(row);
    else unreadable.push({ id: textOfId(row._id), reason });
  }
  return { good, unreadable };
}

/** One that was found, or none. @throws Problem `record.unreadable` */
export function sound<R extends { readonly _id: unknown }>(
  found: R | null,
  fault: (row: R) => string | null,
): R | null {
  const reason = found && fault(found);
  if (found && reason) throw unreadableProblem({ id: textOfId(found._id), reason });
  return found;
}

/** As a row of a list, where one alone is asked for. @throws Problem `record.unreadable` that names it */
export function readOne<R extends { readonly _id: unknown }, W>(row: R, read: (row: R) => W, schema: z.ZodType<W>): W {
  const { items, unreadable } = readRows([row], read, schema);
  if (unreadable[0]) throw unreadableProblem(unreadable[0]);
  return items[0]!;
}

/** A value of another type is not what was stored; one that is only too long is, and an operator may see it. */
export const WRONG_TYPES: ReadonlySet<string> = new Set([
  'invalid_type',
  'invalid_value',
  'invalid_union',
  'invalid_format',
]);

export const faultOf = ({ path, message }: { path: readonly PropertyKey[]; message: string }, from = 0): string =>
  `${path.slice(from).join('.') || 'the record'}: ${message}`.slice(0, 500);

export const unreadableProblem = ({ id, reason }: Unreadable): Problem =>
  new Problem('record.unreadable', `The stored record ${id} cannot be read: ${reason}`, { record_id: id, reason });

/** What a runtime says of a field that is missing names it, and nothing of its value. */
const reasonOf = (error: unknown): string =>
  error instanceof TypeError || error instanceof RangeError
    ? `a field is missing or of another type (${error.message.slice(0, 200)})`
    : 'its content is not what is stored here';

/** As answers tell of what a copy left out. */
export const unreadableOf = (bad: ReadonlyMap<string, string>): Unreadable[] =>
  [...bad].map(([id, reason]) => ({ id: textOfId(id.startsWith('\u0000') ? id.slice(1) : id), reason }));

export function createBadRecords(ambient: Ambient, logger: Logger, registry: Registry): BadRecords {
  const met = new Map<string, BadRecord & { readonly at: number }>();
  const registers = [registry];
  const counter = new Counter({
    name: 'cp_unreadable_records_total',
    help: 'Stored records that were found unreadable, each once',
    labelNames: ['where'],
    registers,
  });
  const known = (): BadRecord[] => {
    const now = ambient.monotonic();
    for (const [key, { at }] of met) if (now - at > FORGOTTEN_MS) met.delete(key);
    return [...met.values()].map(({ where, id, reason }) => ({ where, id, reason }));
  };
  new Gauge({
    name: 'cp_unreadable_records',
    help: 'Stored records that were met in the last ten minutes and cannot be read',
    registers,
    collect() {
      this.set(known().length);
    },
  });
  return {
    known,
    note(where, { id, reason }) {
      const key = `${where} ${id}`;
      const isNew = !met.delete(key);
      if (met.size < REMEMBERED) met.set(key, { where, id, reason, at: ambient.monotonic() });
      if (!isNew) return;
      counter.inc({ where });
      logger.error({ where, record: id, reason }, 'a stored record cannot be read');
    },
  };
}
