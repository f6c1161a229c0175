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
