/**
 * The secrets of jobs: sealed in a document of their own from the transaction that accepts a job to the one that ends it.
 *
 * AES-256-GCM under a key of CONTROL_KEY; the box of one job or field opens in no other. Whether two requests carry the
 * same secret is told by a keyed digest, so that who reads the database cannot try a short one.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { Binary, type ClientSession } from 'mongodb';
import { Problem } from '@cloudlysis/contract';
import type { ControlKey } from '../../secrets/control-key.ts';
import { translated, type Mongo } from '../../ports/mongo/mongo.ts';
import { Secret, type Secrets } from '../../secrets/secret.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';

interface SealedDocument {
  /** The job. */
  readonly _id: string;
  readonly fields: readonly { readonly name: string; readonly box: Binary }[];
  readonly at: Date;
}

/** What a job's document says of its secrets: their fields and the mark of the key, never more. */
export type JobSecrets = NonNullable<JobDocument['secrets']>;

export interface SealedInputs {
  /** By field; the same for the same value in the same `context`, and nothing to who has no CONTROL_KEY. */
  digests(secrets: Secrets, context: string): Readonly<Record<string, string>> | undefined;
  /** For the job's document; undefined where there are none. */
  named(secrets: Secrets): JobSecrets | undefined;
  /** Sealed under the key that this replica has. */
  isOurs(secrets: JobSecrets): boolean;
  write(jobId: string, secrets: Secrets, session: ClientSession): Promise<void>;
  /** Problem `secret.unreadable` where the key is another one or the document is gone or altered. */
  open(job: Pick<JobDocument, '_id' | 'secrets'>): Promise<Secrets | Problem>;
  /** In the transaction that ends the job. */
  drop(job: Pick<JobDocument, '_id' | 'secrets'>, session: ClientSession): Promise<void>;
  /** Deletes what jobs left that have ended or are no more, such as after a half restore; tells how many. */
  sweep(): Promise<number>;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A job and its secrets are written at once; what has no job for so long never will have one. */
const ORPHAN_MS = 60_000;
const SWEPT = 500;

export function createSealedInputs(mongo: Mongo, key: ControlKey, now: () => Date): SealedInputs {
  const documents = mongo.db.collection<SealedDocument>('job_secrets');
  const sealing = key.derived('job-secrets');
  const comparing = key.derived('secret-digest');

  /** Not from `Ambient`: a simulation that replays its seed would use a nonce twice. */
  const seal = (jobId: string, name: string, secret: Secret): Binary => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', sealing, nonce);
    cipher.setAAD(boundTo(jobId, name));
    const text = Buffer.concat([cipher.update(secret.open(), 'utf8'), cipher.final()]);
    return new Binary(Buffer.concat([nonce, cipher.getAuthTag(), text]));
  };
  /** @throws Error of the cipher for a box that is not this key's, job's and field's */
  const unseal = (jobId: string, name: string, { buffer: box }: Binary): Secret => {
    const decipher = createDecipheriv('aes-256-gcm', sealing, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES }); // prettier-ignore
    decipher.setAAD(boundTo(jobId, name));
    decipher.setAuthTag(box.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const text = [decipher.update(box.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
    return new Secret(Buffer.concat(text).toString('utf8'));
  };

  return {
    digests: (secrets, context) =>
      secrets.size === 0
        ? undefined
        : Object.fromEntries(
            [...secrets].map(([name, secret]) => {
              const mac = createHmac('sha256', comparing).update(JSON.stringify([context, name, secret.open()]));
              return [name, mac.digest('base64url')];
            }),
          ),
    named: (secrets) => (secrets.size === 0 ? undefined : { fields: [...secrets.keys()], key: key.mark }),
    isOurs: (secrets) => secrets.key === key.mark,
    async write(jobId, secrets, session) {
      if (secrets.size === 0) return;
      const fields = [...secrets].map(([name, secret]) => ({ name, box: seal(jobId, name, secret) }));
      await documents.insertOne({ _id: jobId, fields, at: now() }, { session });
    },
    async open({ _id: jobId, secrets }) {
      const { fields = [], key: mark = null } = secrets ?? {};
      if (mark !== key.mark)
        return unreadable(`were sealed under another CONTROL_KEY (${mark}) than this replica has (${key.mark})`);
      const found = await translated(() => documents.findOne({ _id: jobId }));
      if (!found) return unreadable('are no longer there');
      try {
        const boxes = new Map(found.fields.map(({ name, box }) => [name, box] as const));
        return new Map(fields.map((name) => [name, unseal(jobId, name, boxes.get(name)!)] as const));
      } catch (error) {
        return unreadable('were altered in the database', error);
      }
    },
    async drop({ _id, secrets }, session) {
      if (secrets) await documents.deleteOne({ _id }, { session });
    },
    async sweep() {
      let swept = 0;
      for (let after = ''; ;) {
        const some = await translated(() =>
          documents.find({ _id: { $gt: after } }, { projection: { at: 1 } }).sort({ _id: 1 }).limit(SWEPT).toArray(),
        ); // prettier-ignore
        if (some.length === 0) return swept;
        after = some.at(-1)!._id;
        swept += await left(some.map(({ _id, at }) => ({ _id, at })));
      }
    },
  };

  async function left(found: readonly Pick<SealedDocument, '_id' | 'at'>[]): Promise<number> {
    const ids = found.map(({ _id }) => _id);
    const jobs = await translated(() =>
      mongo.db.collection<JobDocument>('jobs').find({ _id: { $in: ids } }, { projection: { state: 1 } }).toArray(),
    ); // prettier-ignore
    const states = new Map(jobs.map(({ _id, state }) => [_id, state] as const));
    const isLeft = ({ _id, at }: (typeof found)[number]): boolean => {
      const state = states.get(_id);
      if (state !== undefined) return isFinal(state);
      // What a foreign hand left has any time or none.
      return !(at instanceof Date) || now().getTime() - at.getTime() > ORPHAN_MS;
    };
    const over = found.filter(isLeft).map(({ _id }) => _id);
    if (over.length === 0) return 0;
    return (await translated(() => documents.deleteMany({ _id: { $in: over } }))).deletedCount;
  }
}

const boundTo = (jobId: string, name: string): Buffer => Buffer.from(JSON.stringify([jobId, name]));

const unreadable = (why: string, cause?: unknown): Problem =>
  new Problem('secret.unreadable', `The secrets of this job ${why}: submit it anew`, {}, cause);
