/**
 * What a job keeps is bounded: a value that is too long is cut to a mark that says how long it was and its digest.
 * What steps read back (decision, intents and outcomes) is kept apart under that digest first, so that nothing is lost by it: an
 * evacuation of 10 000 tenants writes down 650 KB of moves, and a job's document must stay far below MongoDB's 16 MB.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { BSON, Binary, type Db } from 'mongodb';
import { Problem, type ProblemDocument, type Proof } from '@cloudlysis/contract';
import { translated } from '../../ports/mongo/mongo.ts';
import { sha256 } from './digest.ts';
import type { JobDocument, StepDocument } from './job-document.ts';

/** Of one intent, outcome, proof or problem, as JSON. */
const MAX_BYTES = 64 * 1024;
/** Of a value kept apart, packed. BSON itself ends at 17 MB before packing: some 200 000 moves. */
const MAX_PACKED = 12 * 1024 * 1024;
const MAX_CHECKS = 200;
const MAX_DETAIL = 4_000;

export interface Mark {
  readonly truncated: true;
  readonly bytes: number;
  readonly sha256: string;
}

/** The value itself, or where it is longer than `max` bytes of JSON its size and digest. */
export function cut(value: unknown, max = MAX_BYTES): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null));
  return bytes <= max ? value : ({ truncated: true, bytes, sha256: sha256(value) } satisfies Mark);
}

const isMark = (value: unknown): value is Mark =>
  typeof value === 'object' && value !== null && (value as Partial<Mark>).truncated === true && 'sha256' in value;

/** Nobody reads a proof back, so what is too long of it is only told of. */
export function boundedProof({ checks, facts }: Proof): Proof {
  const kept = checks.slice(0, MAX_CHECKS).map((check) => ({ ...check, detail: boundedText(check.detail) }));
  const left = checks.slice(MAX_CHECKS);
  return { checks: left.length > 0 ? [...kept, summedUp(left)] : kept, facts: cut(facts) as Proof['facts'] };
}

/** Says how many of the checks that are not shown hold, so that a warning among them is not told as a pass. */
function summedUp(left: Proof['checks']): Proof['checks'][number] {
  const unmet = left.filter(({ status }) => status !== 'pass').length;
  return {
    id: 'more',
    title: 'Further checks',
    status: unmet > 0 ? 'warn' : 'pass',
    measured: left.length,
    limit: null,
    unit: 'checks',
    detail: `${left.length} more checks, ${unmet > 0 ? `${unmet} of them did not pass` : 'all of them hold'}`,
  };
}

export const boundedText = (text: string): string =>
  text.length <= MAX_DETAIL
    ? text
    : `${text.slice(0, MAX_DETAIL).toWellFormed()} … (${text.length - MAX_DETAIL} more characters)`;

/** The members that every problem has always stay; the others go together where they are too long. */
export function boundedProblem({
  type,
  title,
  status,
  code,
  detail,
  instance,
  ...extra
}: ProblemDocument): ProblemDocument {
  const named = {
    type,
    title,
    status,
    code,
    detail: boundedText(detail),
    ...(instance === undefined ? {} : { instance }),
  };
  return { ...named, ...(cut(extra) as object) };
}

export interface LargeValues {
  /** A value as its job's document keeps it, after what is too long was kept apart. */
  keep(value: unknown): Promise<unknown>;
  /** The step as its job's document keeps it, after what is too long was kept apart. */
  kept(step: StepDocument): Promise<StepDocument>;
  /** The job as its steps read it. */
  whole(job: JobDocument): Promise<JobDocument>;
}

interface PackedValue {
  /** Digest: the same value is kept once, and no older claim can put another in its place. */
  readonly _id: string;
  readonly packed: Binary;
}

export function createLargeValues(db: Db): LargeValues {
  const values = db.collection<PackedValue>('job_values');

  async function keep(value: unknown): Promise<unknown> {
    const mark = cut(value);
    if (!isMark(mark) || isMark(value)) return value;
    const packed = new Binary(gzipSync(BSON.serialize({ value })));
    if (packed.length() > MAX_PACKED)
      throw new Problem('step.failed', `A job has ${mark.bytes} bytes to write down at once, more than can be kept`);
    await translated(() => values.updateOne({ _id: mark.sha256 }, { $setOnInsert: { packed } }, { upsert: true }));
    return mark;
  }

  async function unpacked(value: unknown): Promise<unknown> {
    if (!isMark(value)) return value;
    const found = await translated(() => values.findOne({ _id: value.sha256 }));
    if (!found) throw new Problem('step.failed', `What the job wrote down (${value.sha256}) is no longer there`);
    return (BSON.deserialize(gunzipSync(found.packed.buffer)) as { value: unknown }).value;
  }

  return {
    keep,
    kept: async (step) => ({ ...step, intent: await keep(step.intent), outcome: await keep(step.outcome) }),
    whole: async (job) => {
      const steps = job.steps.map(async (step) => ({
        ...step,
        intent: await unpacked(step.intent),
        outcome: await unpacked(step.outcome),
      }));
      const decided = job.decision === undefined ? {} : { decision: await unpacked(job.decision) };
      return { ...job, ...decided, steps: await Promise.all(steps) };
    },
  };
}
