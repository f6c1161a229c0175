// The job contract written by hand on agenda: agenda schedules, our own documents hold key, steps and audit.
import { randomUUID } from 'node:crypto';
import { MongoClient, type ClientSession, type Collection, type Db } from 'mongodb';
import type { Contender } from '../jobs/contender.ts';
import { peer } from './install.ts';

interface AgendaJob {
  readonly attrs: { readonly data: { readonly id: string } };
}

interface Agenda {
  define(name: string, run: (job: AgendaJob) => Promise<void>, options: object): void;
  now(name: string, data: object): Promise<unknown>;
  on(event: string, listener: (error: unknown) => void): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface AgendaModule {
  readonly Agenda: new (options: object) => Agenda;
  readonly InMemoryNotificationChannel: new () => object;
}

interface BackendModule {
  readonly MongoBackend: new (options: object) => object;
}

interface Store {
  readonly jobs: Collection;
  readonly audit: Collection;
  transaction(work: (session: ClientSession) => Promise<void>): Promise<void>;
}

const STEPS = ['read', 'write', 'publish'];
const IN_FLIGHT = 64;

/** Agenda at its quickest: woken in memory at every submission, its scan only as a safety net. */
export async function agendaPeer(mongoUri: string): Promise<Contender> {
  const { Agenda, InMemoryNotificationChannel } = await peer<AgendaModule>('agenda');
  const { MongoBackend } = await peer<BackendModule>('@agendajs/mongo-backend');
  const client = new MongoClient(mongoUri, { writeConcern: { w: 'majority', journal: true }, maxPoolSize: 32 });
  const db = client.db('agenda');
  const store = await storeIn(db, client);
  const ended = new Map<string, () => void>();
  const agenda = new Agenda({
    backend: new MongoBackend({ mongo: db }),
    notificationChannel: new InMemoryNotificationChannel(),
    processEvery: 100,
    maxConcurrency: IN_FLIGHT,
    defaultConcurrency: IN_FLIGHT,
  });
  agenda.on('error', () => undefined);
  const run = async ({ attrs }: AgendaJob): Promise<void> => {
    await runSteps(store, attrs.data.id);
    ended.get(attrs.data.id)?.();
    ended.delete(attrs.data.id);
  };
  agenda.define('tenant-update', run, { concurrency: IN_FLIGHT, lockLimit: 0 });
  await agenda.start();
  return {
    async run() {
      const id = randomUUID();
      const end = new Promise<void>((resolve) => ended.set(id, resolve));
      await accept(store, id);
      await agenda.now('tenant-update', { id });
      await end;
    },
    async stop() {
      await agenda.stop();
      await client.close();
    },
  };
}

async function storeIn(db: Db, client: MongoClient): Promise<Store> {
  const [jobs, audit] = [db.collection('jobs'), db.collection('audit')];
  await jobs.createIndex({ idempotency: 1 }, { unique: true });
  await db.createCollection('audit');
  return {
    jobs,
    audit,
    transaction: (work) => client.withSession((session) => session.withTransaction(() => work(session))),
  };
}

const accept = ({ jobs, audit, transaction }: Store, id: string): Promise<void> =>
  transaction(async (session) => {
    const steps = STEPS.map((name, index) => ({ name, state: index === 0 ? 'running' : 'pending', outcome: null }));
    await jobs.insertOne({ _id: id as never, idempotency: `key-${id}`, state: 'running', steps }, { session });
    await audit.insertOne({ job_id: id, code: 'job.submitted', actor: 'user:bench', at: new Date() }, { session });
  });

async function runSteps({ jobs, audit, transaction }: Store, id: string): Promise<void> {
  const done = (index: number): object => ({
    [`steps.${index}`]: { name: STEPS[index], state: 'succeeded', outcome: { done: true }, ended_at: new Date() },
  });
  for (const index of [0, 1])
    await jobs.updateOne({ _id: id as never }, { $set: { ...done(index), [`steps.${index + 1}.state`]: 'running' } });
  await transaction(async (session) => {
    await jobs.updateOne({ _id: id as never }, { $set: { ...done(2), state: 'succeeded' } }, { session });
    await audit.insertOne({ job_id: id, code: 'job.succeeded', actor: 'user:bench', at: new Date() }, { session });
  });
}
