/** What is read of every environment: from the one that a call names, or page by page from each that the caller may see. */
import { environmentOf, Problem, reads, type Operation, type ReadId } from '@cloudlysis/contract';
import type { Call } from '../call/call.ts';
import type { Visible } from '../call/principal.ts';
import { decodeCursor, encodeCursor } from '../kernel/paging.ts';

type AnyCall = Call<Operation>;
type Handler = (call: AnyCall) => Promise<unknown>;

/** A list of any length, as every list of the contract has it. */
interface List {
  readonly items: readonly unknown[];
  readonly next_cursor?: string | null;
  readonly unreadable?: readonly unknown[] | undefined;
  readonly [sum: string]: unknown;
}

/** `each`: the reads of one environment by its id, in the order in which lists over all of them go. */
export function readsAcross<R extends object>(each: ReadonlyMap<string, R>): R {
  const [first] = each.values();
  const made = Object.keys(first ?? {}).map((id) => {
    const handlers = new Map(
      [...each].map(([environment, handler]) => [environment, handler[id as keyof R] as Handler]),
    );
    return [id, acrossOf(id as ReadId, handlers)];
  });
  return Object.fromEntries(made) as R;
}

function acrossOf(id: ReadId, handlers: ReadonlyMap<string, Handler>): Handler {
  const isList = environmentOf(reads[id]) === 'any';
  // What is not about tenants is shown to who sees all of the environment.
  const shows = (visible: Visible): boolean =>
    visible === 'all' || (reads[id].scope !== 'environment' && visible.size > 0);
  return async (call) => {
    if (call.environment !== null) return handlers.get(call.environment)!(call);
    if (!isList) throw new Error(`${id} was let in without an environment`);
    const seen = [...handlers].filter(([environment]) => shows(call.visibleIn(environment)));
    const isPaged = 'limit' in reads[id].query.shape;
    return isPaged ? pageAcross(seen, call) : wholeAcross(seen, call);
  };
}

/** The call as it is made in one environment. */
const callIn = (call: AnyCall, environment: string, query: object): AnyCall => ({
  ...call,
  query: { ...call.query, ...query } as AnyCall['query'],
  environment,
  get visible() {
    return call.visibleIn(environment);
  },
  visibleIn: call.visibleIn,
  visibleAt: call.visibleAt,
  get signal() {
    return call.signal;
  },
});

/** One environment after the other: the cursor says which, and how far. */
async function pageAcross(handlers: readonly (readonly [string, Handler])[], call: AnyCall): Promise<List> {
  const { limit, cursor } = call.query as { limit: number; cursor?: string };
  const [from, within] = cursor === undefined ? ['', undefined] : placeOf(cursor);
  const start = from === '' ? 0 : handlers.findIndex(([id]) => id === from);
  if (start < 0) throw new Problem('cursor.invalid', `The cursor is of ${from}, which is not here`);
  const items: unknown[] = [];
  const unreadable: unknown[] = [];
  let total: number | undefined;
  let next: string | null = null;
  for (const [index, [environment, handler]] of handlers.entries()) {
    const isRead = index >= start && next === null && items.length < limit;
    const query = isRead
      ? { limit: limit - items.length, cursor: index === start ? within : undefined }
      : { limit: 1, cursor: undefined };
    // Of those that are not read only the total is wanted.
    const page = (await handler(callIn(call, environment, query))) as List;
    if (typeof page['total'] === 'number') total = (total ?? 0) + page['total'];
    unreadable.push(...(page.unreadable ?? []));
    if (isRead) {
      items.push(...page.items);
      if (page.next_cursor) next = cursorOf(environment, page.next_cursor);
    } else if (index > start && next === null && page.items.length > 0) next = cursorOf(environment, '');
  }
  return { items, next_cursor: next, unreadable, ...(total === undefined ? {} : { total }) };
}

const cursorOf = (environment: string, within: string): string => encodeCursor(`${environment} ${within}`);

/** @throws Problem `cursor.invalid` */
function placeOf(cursor: string): [environment: string, within: string | undefined] {
  const [environment = '', within = '', ...rest] = decodeCursor(cursor, 'string').split(' ');
  if (environment === '' || rest.length > 0) throw new Problem('cursor.invalid');
  return [environment, within === '' ? undefined : within];
}

/** All at once; what one environment cannot tell keeps the others from nothing: `missing` says which, and why. */
async function wholeAcross(handlers: readonly (readonly [string, Handler])[], call: AnyCall): Promise<List> {
  const told = await Promise.all(
    handlers.map(async ([environment, handler]) => {
      try {
        return { list: (await handler(callIn(call, environment, {}))) as List };
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 503) throw error;
        return { missing: { environment, reason: error.message } };
      }
    }),
  );
  const lists = told.flatMap(({ list }) => list ?? []);
  const missing = told.flatMap(({ missing: one }) => one ?? []);
  const joined: Record<string, unknown> = {};
  for (const list of lists)
    for (const [name, value] of Object.entries(list)) {
      if (Array.isArray(value)) joined[name] = [...((joined[name] as unknown[] | undefined) ?? []), ...value];
      else if (typeof value === 'number') joined[name] = ((joined[name] as number | undefined) ?? 0) + value;
    }
  return { items: [], ...joined, ...(missing.length > 0 ? { missing } : {}) };
}
