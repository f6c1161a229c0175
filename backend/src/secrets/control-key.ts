/** The control plane's one secret of its own (docs/control-key.md): 32 bytes, and from them a key for each use. */
import { createHmac, hkdfSync, randomBytes, type KeyObject, createSecretKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import { translated, type Mongo } from '../ports/mongo/mongo.ts';

/** One label per use: what leaks of one says nothing of another. */
export type KeyUse = 'plan-hash' | 'key-check' | 'job-secrets' | 'secret-digest';

export interface ControlKey {
  derived(use: KeyUse): KeyObject;
  /** Tells two keys apart without telling either: the first 40 bits of a digest, in base64url. */
  readonly mark: string;
}

const BYTES = 32;
const MAKE_ONE = 'make one with: openssl rand -base64 32';
/** Of 32 random bytes fewer are different once in 10^40 tries; of a word, a pattern or zeros always. */
const LEAST_DIFFERENT = 12;

/** @throws Error that says what is wrong with it, and never what it is */
export function controlKeyFrom(bytes: Uint8Array): ControlKey {
  if (bytes.length !== BYTES) throw new Error(`CONTROL_KEY is ${bytes.length} bytes and must be ${BYTES}: ${MAKE_ONE}`);
  if (new Set(bytes).size < LEAST_DIFFERENT) throw new Error(`CONTROL_KEY is not random: ${MAKE_ONE}`);
  const derived = (use: KeyUse): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', bytes, 'cloudlysis-control', use, BYTES)));
  const mark = createHmac('sha256', derived('key-check')).update('mark').digest().subarray(0, 5).toString('base64url');
  return { derived, mark };
}

/** 64 hexadecimal digits, or base64 in either alphabet. @throws Error as controlKeyFrom, and for any other text */
export function parseControlKey(text: string): ControlKey {
  const trimmed = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return controlKeyFrom(Buffer.from(trimmed, 'hex'));
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed))
    throw new Error(`CONTROL_KEY must be ${BYTES} bytes in base64 or hexadecimal digits: ${MAKE_ONE}`);
  return controlKeyFrom(Buffer.from(trimmed, 'base64'));
}

/**
 * The key of a file that holds it as text, or as its 32 bytes. Who may read the file is for whoever mounts it to say:
 * container secrets are readable by all inside. Nobody else may write it.
 * @throws Error that names the file
 */
export function readControlKey(file: string): ControlKey {
  try {
    if ((statSync(file).mode & 0o022) !== 0) throw new Error('others than its owner may write it: chmod 600 it');
    const bytes = readFileSync(file);
    return isRaw(bytes) ? controlKeyFrom(bytes) : parseControlKey(bytes.toString('utf8'));
  } catch (error) {
    throw new Error(`CONTROL_KEY_FILE ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Text of 32 characters is text: the 16 bytes that it spells, or a pass phrase, are not 32 random ones. */
const isRaw = (bytes: Uint8Array): boolean =>
  bytes.length === BYTES && bytes.some((byte) => byte > 0x7e || (byte < 0x20 && !/\s/.test(String.fromCharCode(byte))));

/** Lives as long as this process: for development alone, where plans need not outlast a restart. */
export const passingControlKey = (): ControlKey => controlKeyFrom(randomBytes(BYTES));

export const NO_CONTROL_KEY =
  'Configuration:\n✖ CONTROL_KEY_FILE is required in production: a file with 32 random bytes that all replicas share ' +
  '(docs/control-key.md)';

/** Says when the database was last run with another key: it was changed, or two replicas have not the same. */
export async function noteControlKey(mongo: Mongo, key: ControlKey, logger: Logger): Promise<void> {
  const marks = mongo.db.collection<{ _id: string; mark: string }>('control_key');
  const before = await translated(() =>
    marks.findOneAndUpdate({ _id: 'mark' }, { $set: { mark: key.mark } }, { upsert: true, returnDocument: 'before' }),
  );
  if (before === null || before.mark === key.mark) return;
  logger.warn(
    { mark: key.mark, before: before.mark },
    'CONTROL_KEY is not the one this database was last run with: plans shown before are void; replicas must share one key',
  );
}
