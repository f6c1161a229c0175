// One case per kind of job: how to bring the world to where the job makes sense, what to ask, and how to look at what came of it.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  mutations,
  type Client,
  type MutationId,
  type MutationInput,
  type ServiceKind,
  type Shard,
} from '@cloudlysis/contract';
import { isJobKind, type JobMutationId } from '../../backend/src/jobs/index.ts';
import { eventually } from '../../backend/testing/eventually.ts';
import type { Stack } from '../../backend/testing/stack.ts';
import { carryOut, otherShard, placementOf, putEntry } from '../journey.ts';
import { tenantWorld } from '../world.ts';

export type JobKind = JobMutationId;
export const JOB_KINDS = (Object.keys(mutations) as MutationId[]).filter(isJobKind);

/**
 * Tenants by their part in the cases; evacuation empties r3 into r4 and back, so that the others stay where they are.
 * They are placed in this order, so that those which get archived live on r1 and r2: an archived one cannot be moved.
 */
// prettier-ignore
export const CRASH_TENANTS = ['mover', 'lifer', 'drainer', 'drifter', 'many-1', 'many-2', 'settler', 'wanderer', 'sleeper'];
export const CRASH_SHARDS = ['g1', 'a1', 'a2', 'p1', 'p2', 'r1', 'r2', 'r3', 'r4'];

export interface CrashCase {
  readonly input: { params?: Record<string, string>; body: Record<string, unknown> };
  /** The world as far as this job touches it, comparable between runs. */
  world(): Promise<unknown>;
  /** What may be compared when the job was undone; the whole world unless told. */
  undoneWorld?(): Promise<unknown>;
}

interface Rig {
  readonly stack: Stack;
  readonly operator: Client;
}

/** A kind without a case here does not compile, and one that appears only at run time fails the test. */
export const CASES: Record<JobKind, (rig: Rig) => Promise<CrashCase>> = {
  'tenants.create': async ({ stack }) => {
    const tenant_id = `born-${++born}-${stack.backend.pid}`;
    const shards = { aggregate: 'a1', projection: 'p1', runner: 'r1' };
    const body = { tenant_id, metadata: { name: 'Born' }, shards, reason: 'crash test' };
    return { input: { body }, world: () => tenantWorld(stack, tenant_id) };
  },
  'tenants.update': async ({ stack }) => {
    const body = { metadata: { name: `Lifer ${++born}` }, reason: 'crash test' };
    const world = async () => {
      const { name, ...rest } = await tenantWorld(stack, 'lifer');
      return { ...rest, renamed: name === body.metadata.name };
    };
    return { input: { params: { tenant_id: 'lifer' }, body }, world };
  },
  'tenants.pause': (rig) => lifecycle(rig, 'sleeper', false, false),
  'tenants.resume': (rig) => lifecycle(rig, 'sleeper', true, false),
  'tenants.archive': (rig) => lifecycle(rig, 'lifer', false, false),
  'tenants.restore': (rig) => lifecycle(rig, 'lifer', false, true),
  'tenants.bulk_pause': (rig) => bulk(rig, false),
  'tenants.bulk_resume': (rig) => bulk(rig, true),
  'tenants.bulk_archive': (rig) => bulk(rig, false),
  'notes.put': (rig) => recordCase(rig, 'notes.put', { tenant_id: 'settler' }, (round) => ({ text: `round ${round}` })),
  'notes.remove': (rig) => recordCase(rig, 'notes.remove', { tenant_id: 'settler' }, (round) => ({ text: `${round}` })),
  'scale.shards.put': async ({ stack }) => {
    const { _id, version: _version, ...shard } = (await shardDocument(stack, 'p2'))!;
    const labels = { zone: 'b', round: String(++born) };
    const body = { ...shard, labels, reason: 'crash test' };
    const world = async () => (await shardDocument(stack, 'p2'))?.labels['round'] === labels.round;
    return { input: { params: { shard_id: _id }, body }, world };
  },
  'scale.drift.repair': async ({ stack, operator }) => {
    const { shard_id, revision } = await placementOf(operator, 'drifter', 'aggregate');
    const wrong = { shard: otherShard(shard_id), revision: revision + 1, job_id: null };
    await putEntry(stack, 'placement', 'aggregate.drifter', wrong);
    await eventually('the drift is seen', async () => (await operator.read('scale.drift.get')).items.length > 0);
    const world = () => tenantWorld(stack, 'drifter');
    return { input: { body: { reason: 'crash test' } }, world, undoneWorld: async () => 'may be half repaired' };
  },
  'scale.migrate': async ({ stack, operator }) => {
    const from = (await placementOf(operator, 'mover', 'aggregate')).shard_id;
    const body = { tenant_id: 'mover', kind: 'aggregate', to: otherShard(from), reason: 'crash test' };
    const world = async () => {
      const { shard_id } = await recorded(stack, 'aggregate', 'mover');
      return { ...(await tenantWorld(stack, 'mover')), moved: shard_id !== from };
    };
    return { input: { body }, world };
  },
  'scale.evacuate': async ({ stack, operator }) => {
    const { items } = await operator.read('scale.shards.list', { query: { kind: 'runner' } });
    const load = (id: string) => items.find((shard) => shard.shard_id === id)!.tenants;
    const [from, to] = load('r3') >= load('r4') ? ['r3', 'r4'] : ['r4', 'r3'];
    if (load(from) < 1) throw new Error('evacuation needs tenants on r3 or r4');
    const body = { shard_id: from, to: [to], concurrency: 2, reason: 'crash test' };
    const whole = async () => ({
      drift: (await operator.read('scale.drift.get')).items,
      openChildren: await stack.db.collection('jobs').countDocuments({ active: true }),
    });
    const left = () => stack.db.collection('placements').countDocuments({ shard_id: from });
    return { input: { body }, world: async () => ({ ...(await whole()), left: await left() }), undoneWorld: whole };
  },
  'scale.drain': async ({ stack, operator }) => {
    const { shard_id } = await placementOf(operator, 'drainer', 'projection');
    await liftDrain(stack, shard_id);
    const body = { shard_id, tenant_id: 'drainer', action: 'drain', reason: 'crash test' };
    // That an order to serve is kept for a while is bookkeeping: without one the node is to serve, too.
    const world = async () => ({
      ...(await tenantWorld(stack, 'drainer')),
      ordered: (await drainOrder(stack)) === 'drained',
    });
    return { input: { body }, world };
  },
};

const REPAIRED = ['mover', 'many', 'evacuated', 'drainer'];

/** What a case of each kind changes or is judged by: jobs that die together have nothing in common. */
export const TOUCHES: Readonly<Record<JobKind, readonly string[]>> = {
  'tenants.create': ['born'],
  'tenants.update': ['lifer'],
  'tenants.pause': ['sleeper'],
  'tenants.resume': ['sleeper'],
  'tenants.archive': ['lifer'],
  'tenants.restore': ['lifer'],
  'tenants.bulk_pause': ['many'],
  'tenants.bulk_resume': ['many'],
  'tenants.bulk_archive': ['many'],
  'notes.put': ['note'],
  'notes.remove': ['note'],
  'scale.shards.put': ['p2'],
  // A job that stands still half-way leaves drift, which a repair would take for its own.
  'scale.drift.repair': [...REPAIRED, 'drifter'],
  'scale.migrate': ['mover'],
  'scale.evacuate': ['evacuated'],
  'scale.drain': ['drainer', 'p2'],
};

/** Kind → kind of the jobs it starts: one of these would stop at a point that is meant for another job. */
export const CHILDREN: Readonly<Partial<Record<JobKind, JobKind>>> = {
  'scale.evacuate': 'scale.migrate',
  'tenants.bulk_pause': 'tenants.pause',
  'tenants.bulk_resume': 'tenants.resume',
  'tenants.bulk_archive': 'tenants.archive',
};

let born = 0;

/** Through the states in between, whatever the case before left behind. */
async function bring({ stack, operator }: Rig, tenantId: string, paused: boolean, archived: boolean): Promise<void> {
  const input = { params: { tenant_id: tenantId }, body: { reason: 'crash test' } };
  const now = async () => (await tenantWorld(stack, tenantId)) as { phase: string; paused: boolean };
  const admin = stack.as('owner');
  if ((await now()).phase === 'archived' && !archived) await carryOut(admin, 'tenants.restore', input);
  if ((await now()).paused !== paused)
    await carryOut(operator, paused ? 'tenants.pause' : 'tenants.resume', input as MutationInput<'tenants.pause'>);
  if ((await now()).phase === 'live' && archived) await carryOut(admin, 'tenants.archive', input);
}

async function lifecycle(rig: Rig, tenant_id: string, paused: boolean, archived: boolean): Promise<CrashCase> {
  await bring(rig, tenant_id, paused, archived);
  return {
    input: { params: { tenant_id }, body: { reason: 'crash test' } },
    world: async () => {
      const { name: _name, ...rest } = await tenantWorld(rig.stack, tenant_id);
      return rest;
    },
  };
}

/** What was changed before a crash that turns the job back stays changed, so that only the whole can be compared then. */
async function bulk(rig: Rig, paused: boolean): Promise<CrashCase> {
  const { stack, operator } = rig;
  const tenant_ids = ['many-1', 'many-2'];
  for (const tenantId of tenant_ids) await bring(rig, tenantId, paused, false);
  const whole = async () => ({
    drift: (await operator.read('scale.drift.get')).items,
    openChildren: await stack.db.collection('jobs').countDocuments({ active: true }),
  });
  const world = async () => {
    const seen = await Promise.all(tenant_ids.map((id) => tenantWorld(stack, id)));
    return { ...(await whole()), tenants: seen.map(({ phase, paused, flag }) => ({ phase, paused, flag })) };
  };
  return { input: { body: { tenant_ids, reason: 'crash test' } }, world, undoneWorld: whole };
}

/** A plain record of one key: its fields and versions are all there is of it. `fields` differ from round to round. */
async function recordCase(
  { stack, operator }: Rig,
  kind: JobKind,
  params: Record<string, string>,
  fields: (round: number) => Record<string, unknown>,
): Promise<CrashCase> {
  const [name, verb] = kind.split('.') as ['notes', 'put' | 'remove'];
  const records = stack.db.collection<{ _id: string; version: number; value: object | null }>(name);
  const record = () => records.findOne({ _id: Object.values(params).join('/') });
  const put = async () => {
    const now = await record();
    return {
      params,
      body: { ...fields(++born), expected_version: now?.value ? now.version : 0, reason: 'crash test' },
    };
  };
  if (verb === 'remove' && !(await record())?.value) await carryOut(operator, `${name}.put`, (await put()) as never);
  const now = await record();
  const removal = { params, body: { expected_version: now?.version, reason: 'crash test' } };
  const world = async () => {
    const seen = await record();
    return { changes: (seen?.version ?? 0) - (now?.version ?? 0), isThere: Boolean(seen?.value) };
  };
  // What is written over and what is new end alike.
  return verb === 'remove'
    ? { input: removal, world }
    : { input: await put(), world: async () => (await world()).changes };
}

type ShardDocument = Omit<Shard, 'shard_id'> & { _id: string; version: number };
const shardDocument = (stack: Stack, id: string) => stack.db.collection<ShardDocument>('shards').findOne({ _id: id });

/** Not by a job: the backend that runs now dies at the first drain or resume that it carries out. */
async function liftDrain(stack: Stack, shardId: string): Promise<void> {
  await stack.db.collection('drains').deleteMany({ tenant_id: 'drainer' });
  const node = stack.node(shardId);
  await eventually('the drainer is served, and the keeper lets it be', async () => {
    await node.call('POST', '/admin/resume', { tenant_id: 'drainer' });
    await sleep(300);
    return (await node.tenant('drainer'))?.state === 'serving';
  });
}

const drainOrder = async (stack: Stack): Promise<string | null> =>
  (await stack.db.collection<{ tenant_id: string | null; wanted: string }>('drains').findOne({ tenant_id: 'drainer' }))
    ?.wanted ?? null;

const recorded = async (stack: Stack, kind: ServiceKind, tenantId: string) =>
  (await stack.db.collection<{ _id: string; shard_id: string }>('placements').findOne({ _id: `${kind}.${tenantId}` }))!;
