/** What differs between two JSON values, line by line: only own keys count, so that `constructor` is a key like any other. */
import type { Change } from '@cloudlysis/contract';

export interface Difference {
  readonly op: Change['op'];
  readonly path: readonly string[];
  /** Null where there is none. */
  readonly before: unknown;
  readonly after: unknown;
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (map: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(map, key) ? map[key] : undefined;

/** Maps are compared key by key, everything else as one value: a list reads better whole than by its places. */
export function differences(before: unknown, after: unknown, path: readonly string[] = []): Difference[] {
  if (isMap(before) && isMap(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(own(before, key), own(after, key), [...path, key]));
  }
  if (same(before, after)) return [];
  const op = before === undefined ? 'add' : after === undefined ? 'remove' : 'replace';
  return [{ op, path, before: before ?? null, after: after ?? null }];
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => same(item, b[at]));
  return isMap(a) && isMap(b) && differences(a, b).length === 0;
}

/** The lines of a plan. A key that would read as two is quoted, so that two paths are never the same. */
export const changesOf = (at: string, before: unknown, after: unknown): Change[] =>
  differences(before, after).map(({ path, ...change }) => ({ ...change, path: [at, ...path.map(quoted)].join('.') }));

const quoted = (key: string): string => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));
