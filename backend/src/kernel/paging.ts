/** Opaque cursors: a client can hand one back, and nothing else. */
import { Problem } from '@cloudlysis/contract';

export const encodeCursor = (position: string | number): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** @throws Problem `cursor.invalid` */
export function decodeCursor<T extends 'string' | 'number'>(
  cursor: string,
  type: T,
): T extends 'string' ? string : number {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (typeof position === type && encodeCursor(position as string | number) === cursor) return position as never;
  } catch {
    // Falls through: whatever is not exactly what we encoded is refused the same way.
  }
  throw new Problem('cursor.invalid');
}

/** Of a cursor that is handed back; what a list has beside an id in its cursors (an order, a time) takes less than the rest. */
const LONGEST_ID = 440;

/** Whether a page can go on from it: text that fits into a cursor. Every id that was given out here is; a foreign one need not be. */
export const isPlace = (id: unknown): id is string =>
  typeof id === 'string' && (id.length <= 50 || encodeCursor(id).length <= LONGEST_ID);

/** Said of a row whose id is no place. */
export const NO_PLACE = '_id: it is no text, or too long a one';

/**
 * So many rows that a page can go on from, and the others that stand among them: those take no room, or a page of them
 * would be the last one. `read` gives the first of what there is, as many as it is asked for.
 */
export async function placedRows<R extends { readonly _id: unknown }>(
  size: number,
  read: (most: number) => Promise<readonly R[]>,
): Promise<{ rows: R[]; strays: R[] }> {
  for (let most = size; ;) {
    const found = await read(most);
    const strays = found.filter(({ _id }) => !isPlace(_id));
    if (strays.length <= most - size) return { rows: found.filter(({ _id }) => isPlace(_id)).slice(0, size), strays };
    most = size + 2 * strays.length;
  }
}
