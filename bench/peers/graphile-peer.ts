// The job contract written by hand on graphile-worker: the row of the job, its steps and its audit rows in the same Postgres.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from '../jobs/contender.ts';
import { peer } from './install.ts';
import { startPostgres } from './postgres.ts';

interface Client {
  query(text: string | { name: string; text: string; values: unknown[] }): Promise<unknown>;
  release(): void;
}

interface Pool extends Pick<Client, 'query'> {
  connect(): Promise<Client>;
  end(): Promise<void>;
  on(event: 'error', listener: () => void): void;
  on(event: 'connect', listener: (client: { on(event: 'error', listener: () => void): void }) => void): void;
}

interface PgModule {
  readonly default: { Pool: new (options: object) => Pool };
}

interface WorkerModule {
  readonly Logger: new (factory: () => () => void) => object;
  run(options: object): Promise<{ stop(): Promise<void> }>;
}

const IN_FLIGHT = 64;
const STEPS = ['read', 'write', 'publish'];
const SCHEMA = `
  create table jobs (id uuid primary key, idempotency text not null unique, state text not null, steps jsonb not null);
  create table audit (id bigserial primary key, job_id uuid not null, code text not null, actor text not null, at timestamptz not null);
`;

const named = (name: string, text: string, ...values: unknown[]) => ({ name, text, values });
/** Outcome of one step and start of the next in one write; the last one also ends the job. */
function stepDone(index: number): string {
  const next = index + 1;
  const done = `jsonb_set(steps, '{${index}}', '{"state": "succeeded", "outcome": {"done": true}}')`;
  return next < STEPS.length
    ? `update jobs set steps = jsonb_set(${done}, '{${next},state}', '"running"') where id = $1`
    : `update jobs set steps = ${done}, state = 'succeeded' where id = $1`;
}

export async function graphilePeer(): Promise<Contender> {
  const { default: pg } = await peer<PgModule>('pg');
  const worker = await peer<WorkerModule>('graphile-worker');
  const postgres = await startPostgres();
  const pool = new pg.Pool({ connectionString: postgres.url, max: IN_FLIGHT });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  await untilUp(pool);
  await pool.query(SCHEMA);
  const ended = new Map<string, () => void>();
  const runner = await worker.run({
    pgPool: pool,
    concurrency: IN_FLIGHT,
    noHandleSignals: true,
    logger: new worker.Logger(() => () => undefined),
    taskList: {
      'tenant-update': async (payload: { id: string }) => {
        await runSteps(pool, payload.id);
        ended.get(payload.id)?.();
        ended.delete(payload.id);
      },
    },
  });
  return {
    async run() {
      const id = randomUUID();
      const end = new Promise<void>((resolve) => ended.set(id, resolve));
      await accept(pool, id);
      await end;
    },
    async stop() {
      await runner.stop();
      await pool.end();
      await postgres.stop();
    },
  };
}

async function untilUp(pool: Pool): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return void (await pool.query('select 1'));
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(50);
    }
  }
}

async function transaction(pool: Pool, work: (client: Client) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await work(client);
    await client.query('commit');
  } finally {
    client.release();
  }
}

const audited = (id: string, code: string) =>
  named('audit', `insert into audit (job_id, code, actor, at) values ($1, $2, 'user:bench', now())`, id, code);

/** Job, audit row and the library's own job in one transaction, which is what Postgres is good at. */
const accept = (pool: Pool, id: string): Promise<void> =>
  transaction(pool, async (client) => {
    const steps = STEPS.map((name, index) => ({ name, state: index === 0 ? 'running' : 'pending', outcome: null }));
    const text = `insert into jobs (id, idempotency, state, steps) values ($1, $2, 'running', $3)`;
    await client.query(named('accept', text, id, `key-${id}`, JSON.stringify(steps)));
    await client.query(audited(id, 'job.submitted'));
    await client.query(named('add', `select graphile_worker.add_job('tenant-update', $1)`, JSON.stringify({ id })));
  });

async function runSteps(pool: Pool, id: string): Promise<void> {
  for (const index of [0, 1]) await pool.query(named(`step-${index}`, stepDone(index), id));
  await transaction(pool, async (client) => {
    await client.query(named('step-2', stepDone(2), id));
    await client.query(audited(id, 'job.succeeded'));
  });
}
