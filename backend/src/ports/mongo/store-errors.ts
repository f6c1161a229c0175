/** Which of a driver's errors say that the server is away, which that a limit is reached, and which are an answer. */
import { MongoError, MongoServerError } from 'mongodb';

/** Node's names for a peer that is gone or was never there. */
const GONE = new Set(['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED']);

/**
 * True for an error of the driver. A write to a socket that the server has just ended is thrown as Node says it (EPIPE),
 * in no class of the driver's: seen with 7.8 when a server is killed between two commands.
 */
export const isStoreError = (error: unknown): boolean =>
  error instanceof MongoError ||
  (error instanceof Error && 'code' in error && typeof error.code === 'string' && GONE.has(error.code));

/** The server's codes for a document, an index key, a transaction or a reply that is too large, and for memory that is used up. */
const LIMIT_CODES: readonly (number | string | undefined)[] = [10334, 17280, 17419, 17420, 13548, 257, 146, 292];

/** Also a document above 17 MiB, which the driver fails to write down before it asks anybody (7.8: a RangeError). */
export const isStoreLimit = (error: unknown): boolean =>
  error instanceof MongoServerError
    ? LIMIT_CODES.includes(error.code)
    : (error as { code?: unknown } | null)?.code === 'ERR_OUT_OF_RANGE' && /"offset" is out/.test(String(error));
