/** Reads every document of the log and accounts for each: it is on its place and holds, it waits, or it is named. */
import type { Verification } from '@cloudlysis/contract';
import type { Progress } from '../../kernel/long-runs.ts';
import type { AuditStore } from '../store/audit.store.ts';
import { emptySegment, GENESIS, segmentOf, type Head } from '../record/chain.ts';
import { Faults } from './faults.ts';
import type { JobTraces } from './job-traces.ts';
import { HEAD } from '../record/record-shape.ts';
import { idOf, shown } from '../record/set-aside.ts';
import { misfit, numberOf, plain, safely } from '../record/stored-shape.ts';
import { RecordWalk } from './verify-records.ts';
import { verifyAside, verifyAsideStrays, verifyInbox, verifyJobs } from './verify-beside-chain.ts';
import { astray, SegmentWalk } from './verify-segments.ts';
import { contradiction, type Witness } from '../record/witness.ts';

export interface VerifyDeps {
  readonly store: AuditStore;
  readonly witness: Witness;
  readonly environments: readonly string[];
  readonly jobs?: JobTraces | undefined;
  /** Told of after each batch. */
  readonly tell?: ((progress: Progress) => void) | undefined;
}

type Tip = Pick<Head, 'seq' | 'hash' | 'open'>;
const NO_HEAD: Tip = { seq: 0, hash: GENESIS, open: emptySegment(GENESIS) };

/**
 * Recomputes every hash from the first record to the head as it stood at the beginning. What is appended meanwhile is
 * no forgery: a document beyond that head is judged by a head that is read after the document, and since both are
 * written in one transaction, a genuine one is never beyond it.
 * @throws the signal's reason when it is aborted; Problem `audit.unavailable`
 */
export async function verifyChain(
  { store, witness, environments, jobs, tell }: VerifyDeps,
  signal: AbortSignal,
): Promise<Verification> {
  const faults = new Faults();
  await witness.look(store.sight);
  const { mark, moved } = witness;
  const later = new Faults();
  const head = await readHead(store, later);
  const back = moved ?? contradiction(mark, head);
  if (back !== null) later.add('head', '', head.seq, null, back);
  const walk = new RecordWalk(faults, mark);
  const asides = await walkChain(store, head, walk, faults, signal, tell);
  await strays(store, head, faults, signal);
  for (const fault of later.list) faults.add('head', '', fault.seq, fault.record_id, fault.reason);
  signal.throwIfAborted();
  const pending = await verifyInbox(store, environments, faults);
  await verifyAsideStrays(store, faults);
  if (jobs) await verifyJobs(store, jobs, faults);
  return verdict(faults, walk.checked, head, pending, asides);
}

function verdict(faults: Faults, checked: number, head: Tip, pending: number, asides: number): Verification {
  const [first] = faults.list;
  const { seq, hash } = head;
  const named = first
    ? {
        first_bad: { seq: first.seq, record_id: first.record_id, reason: first.reason },
        faults: [...faults.list],
        faults_total: faults.total,
      }
    : {};
  const aside = asides > 0 ? { set_aside: asides } : {};
  return { ok: !first, checked, ...named, head: { seq, hash }, pending, ...aside };
}

/** Returns how many records tell of something set aside. */
async function walkChain(
  store: AuditStore,
  head: Tip,
  walk: RecordWalk,
  faults: Faults,
  signal: AbortSignal,
  tell: VerifyDeps['tell'],
): Promise<number> {
  const sealed = segmentOf(head.seq + 1) - 1;
  const segments = new SegmentWalk(faults, store.raw.segments.between(1, sealed + 1));
  let asides = 0;
  for await (const batch of store.raw.records.between(1, head.seq + 1)) {
    signal.throwIfAborted();
    for (const raw of batch) walk.see(raw);
    for (const one of walk.segments.splice(0)) await segments.expect(one);
    for (const one of walk.asides.splice(0)) {
      asides += 1;
      await verifyAside(store, one, faults);
    }
    tell?.({ checked: walk.checked, of: head.seq });
  }
  walk.reach(head.seq);
  await segments.reach(sealed);
  const [last] = await store.records({}, { low: head.seq, high: head.seq }, 1, 1);
  walk.meets(head, last ? shown(last._id) : null);
  return asides;
}

/** Everything outside the walked places, unless it was placed since. */
async function strays(store: AuditStore, head: Tip, faults: Faults, signal: AbortSignal): Promise<void> {
  for await (const batch of store.raw.records.outside(1, head.seq + 1)) {
    signal.throwIfAborted();
    const now = await headSeq(store, head.seq);
    for (const raw of batch) {
      const key = safely(raw)['seq'];
      const seq = numberOf(key);
      if (seq !== null && Number.isInteger(seq) && seq > head.seq && seq <= now) continue;
      const reason =
        seq === null || Number.isNaN(seq) ? 'its place is not a number' : 'its place lies outside the chain';
      faults.add('record', seq === null ? '(no number)' : String(seq), seq, shown(idOf(raw)), reason);
    }
  }
  const sealed = segmentOf(head.seq + 1) - 1;
  for await (const batch of store.raw.segments.outside(1, sealed + 1)) {
    const now = segmentOf((await headSeq(store, head.seq)) + 1) - 1;
    for (const raw of batch) {
      const number = numberOf(safely(raw)['segment']);
      if (number !== null && Number.isInteger(number) && number > sealed && number <= now) continue;
      astray(faults, raw);
    }
  }
}

async function headSeq(store: AuditStore, atLeast: number): Promise<number> {
  const seq: unknown = (await store.head())?.seq;
  return typeof seq === 'number' && seq > atLeast ? seq : atLeast;
}

/** The head, if there is exactly one and it can be read; its faults are told after those of the records. */
async function readHead(store: AuditStore, faults: Faults): Promise<Tip> {
  let head: Tip | null = null;
  for await (const batch of store.raw.head.all()) {
    for (const raw of batch) {
      const id = idOf(raw);
      if (id !== 'head') {
        faults.add('head', '', 0, null, `a foreign document lies beside the head: ${shown(id)}`);
        continue;
      }
      const odd = misfit(safely(raw), raw, HEAD);
      if (odd) faults.add('head', '', 0, null, `the head cannot be read: ${odd}`);
      head = odd ? head : plain<Head>(raw);
      if (odd) head = salvaged(raw);
    }
  }
  if (head === null && faults.total === 0) faults.add('head', '', 0, null, 'the head of the chain is missing');
  return head ?? NO_HEAD;
}

/** A head with one bad field still says how far the chain goes. */
function salvaged(raw: Uint8Array): Tip | null {
  const doc = safely(raw);
  const seq = numberOf(doc['seq']);
  return seq !== null && Number.isSafeInteger(seq) && seq >= 0 && typeof doc['hash'] === 'string'
    ? { ...NO_HEAD, seq, hash: doc['hash'] }
    : null;
}
