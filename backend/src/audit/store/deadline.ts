/** Bounds every call to the store: the driver's own `timeoutMS` has no effect since 7.8, and a hung server answers never. */
import { MongoError } from 'mongodb';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { isStoreError } from '../../ports/mongo/store-errors.ts';
import { within } from '../../kernel/time.ts';

/** A mutation must be refused within 2 s of the store going away; half a second is left for the rest. */
export const DEADLINE_MS = 1_500;

/** @throws Problem `audit.unavailable` after `ms`; what `work` still does then is nobody's any more. */
export const answered = <T>(ambient: Ambient, ms: number, work: Promise<T>): Promise<T> =>
  within(ambient, ms, work, () => {
    throw new Problem('audit.unavailable', `The audit store did not answer within ${ms} ms`);
  });

/** An error of the driver while reading, in the words of the catalogue; everything else passes. */
export const asProblem = (error: unknown): unknown =>
  isStoreError(error) ? new Problem('audit.unavailable', 'The audit log cannot be read', {}, error) : error;

/** The driver retries a transaction by this label, so the error must reach it as it is. */
export const mayRetryTransaction = (error: unknown): boolean =>
  error instanceof MongoError && error.hasErrorLabel('TransientTransactionError');
