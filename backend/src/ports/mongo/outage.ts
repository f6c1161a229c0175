/** Which of a driver's errors say that the server is away, and which are an answer. */
import { MongoError } from 'mongodb';

/** Node's names for a peer that is gone or was never there. */
const GONE = new Set(['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED']);

/**
 * True for an error of the driver. A write to a socket that the server has just ended is thrown as Node says it (EPIPE),
 * in no class of the driver's: seen with 7.8 when a server is killed between two commands.
 */
export const isStoreError = (error: unknown): boolean =>
  error instanceof MongoError ||
  (error instanceof Error && 'code' in error && typeof error.code === 'string' && GONE.has(error.code));
