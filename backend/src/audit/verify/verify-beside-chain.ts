/** Accounts for what is not in the chain: the inbox, what was set aside, and the records that jobs name. */
import { createHash } from 'node:crypto';
import { canonicalForm } from '../record/chain.ts';
import type { PlacedRecord } from '../record/audit-record.ts';
import type { AuditStore, Trace } from '../store/audit.store.ts';
import type { Faults } from './faults.ts';
import type { JobTrace, JobTraces } from './job-traces.ts';
import { PIECE, readWaiting, SET_ASIDE, waitingShape } from '../record/record-shape.ts';
import { idOf, pieceId, shown, toldBy } from '../record/set-aside.ts';
import { misfit, plain, safely } from '../record/stored-shape.ts';

/** Returns how many documents wait. */
export async function verifyInbox(store: AuditStore, environments: readonly string[], faults: Faults): Promise<number> {
  const shape = waitingShape(environments);
  let waiting = 0;
  for await (const batch of store.raw.inbox.all()) {
    waiting += batch.length;
    const records = batch.flatMap((raw) => {
      const read = readWaiting(raw, shape);
      if ('record' in read) return [read.record];
      faults.add('inbox', shown(idOf(raw)), null, shown(idOf(raw)), `it is no record: ${read.reason}`);
      return [];
    });
    const placed = await store.traces('records', '_id', records.map(({ _id }) => _id)); // prettier-ignore
    for (const { _id } of placed) {
      const there = await store.record(_id);
      const here = records.find((record) => record._id === _id);
      // The very same one is a driver's retry and will be dropped; or it got its place just now.
      if (!there || !here || isSame(there, { ...here, seq: there.seq })) continue;
      faults.add('inbox', _id, there.seq, _id, `another record with its id has place ${there.seq}`);
    }
  }
  return waiting;
}

type WithPlace = Parameters<typeof canonicalForm>[0];
function isSame(a: WithPlace, b: WithPlace): boolean {
  try {
    return canonicalForm(a) === canonicalForm(b);
  } catch {
    return false;
  }
}

/** A record tells of a document that was set aside: it must be there, byte by byte. */
export async function verifyAside(store: AuditStore, { _id, seq, after }: PlacedRecord, faults: Faults): Promise<void> {
  const told = toldBy(after);
  if (told === null) return faults.add('record', String(seq), seq, _id, 'it does not say what was set aside');
  const hash = createHash('sha256');
  for (let n = 0; n < told.pieces; n++) {
    const id = pieceId(_id, n);
    const raw = await store.piece(id);
    if (raw === null) return faults.add('set aside', id, seq, _id, 'it is missing');
    const odd = misfit(safely(raw), raw, PIECE);
    if (odd) return faults.add('set aside', id, seq, _id, odd);
    hash.update(plain<{ bytes: { buffer: Uint8Array } }>(raw).bytes.buffer);
  }
  if (hash.digest('hex') !== told.sha256)
    faults.add('set aside', pieceId(_id, 0), seq, _id, 'it is not what its record says was set aside');
}

/** Nothing may lie there that no record tells of. */
export async function verifyAsideStrays(store: AuditStore, faults: Faults): Promise<void> {
  for await (const batch of store.raw.setAside.all()) {
    const ids = batch.map((raw) => idOf(raw));
    const owners = ids.map((id) => (typeof id === 'string' ? /^(aud_[0-9a-f-]{36})\/([0-3])$/.exec(id) : null));
    const named = owners.flatMap((owner) => owner?.[1] ?? []);
    const events = new Map((await store.traces('records', '_id', named)).map((trace) => [trace._id, trace]));
    for (const [index, owner] of owners.entries()) {
      const event = owner ? events.get(owner[1]!) : undefined;
      const told = event?.code === SET_ASIDE ? toldBy(event.after) : null;
      if (told === null || Number(owner![2]) >= told.pieces)
        faults.add('set aside', shown(ids[index]), null, null, 'no record tells of it');
    }
  }
}

const ENDS: Readonly<Record<string, readonly string[]>> = {
  succeeded: ['job.succeeded'],
  failed: ['job.failed'],
  compensated: ['job.compensated'],
  // One that was still queued ends with the word of who cancelled it.
  cancelled: ['job.cancelled', 'job.cancel_requested'],
};

/** Each job names the record of its submission, and has one of its end: where the log was cut, they are missing. */
export async function verifyJobs(store: AuditStore, jobs: JobTraces, faults: Faults): Promise<void> {
  for await (const batch of jobs()) {
    const named = batch.filter(({ recordId }) => typeof recordId === 'string') as (JobTrace & { recordId: string })[];
    const submitted = new Map((await found(store, '_id', named.map((job) => job.recordId))).map((trace) => [trace._id, trace])); // prettier-ignore
    const ended = batch.filter(({ ended }) => ended !== null);
    const ends = new Set(
      (
        await found(
          store,
          'job_id',
          ended.map(({ jobId }) => jobId),
        )
      ).map(({ job_id, code }) => `${String(job_id)} ${String(code)}`),
    );
    for (const { jobId, recordId, ended } of batch) {
      const record = typeof recordId === 'string' ? submitted.get(recordId) : undefined;
      const id = typeof recordId === 'string' ? recordId.slice(0, 200) : null;
      if (id === null) faults.add('job', jobId, null, null, 'it names no audit record');
      else if (!record) faults.add('job', jobId, null, id, 'its audit record is neither in the chain nor in the inbox');
      else if (record.job_id !== jobId)
        faults.add('job', jobId, null, id, 'the audit record it names is about another job');
      if (ended !== null && !(ENDS[ended] ?? []).some((code) => ends.has(`${jobId} ${code}`)))
        faults.add('job', `${jobId} end`, null, null, 'the record of its end is neither in the chain nor in the inbox');
    }
  }
}

/** In the chain, else in the inbox; and once more in the chain, for what was moved between the two looks. */
async function found(store: AuditStore, by: '_id' | 'job_id', ids: readonly string[]): Promise<Trace[]> {
  const traces: Trace[] = [];
  for (const where of ['records', 'inbox', 'records'] as const) {
    const known = new Set(traces.map((trace) => trace[by]));
    const left = ids.filter((id) => !known.has(id));
    if (left.length > 0) traces.push(...(await store.traces(where, by, left)));
  }
  return traces;
}
