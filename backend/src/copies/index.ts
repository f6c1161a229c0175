/** Copies in memory that are checked against what is stored. */
export { CheckedCopy, type CopyOptions } from './checked-copy.ts';
export { createCopies, type Copies, type CopyReport } from './copies.ts';
export type { Changes, Found, Source } from './source.ts';
export type { CopyState } from './attention.ts';
