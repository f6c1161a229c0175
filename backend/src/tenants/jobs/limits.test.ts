// Tenants past what NATS 2.15 gives a stream that says nothing: 1 000 consumers, which are 500 tenants.
import { afterEach, expect, it } from '@jest/globals';
import { limitItems, natsFeature } from '../../ports/nats/index.ts';
import { startGround, startReplica, type Ground, type Replica } from '../platform.fixture.ts';

let ground: Ground;
let replica: Replica;
afterEach(async () => {
  await replica[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

const reason = 'INC-42: a test';
const create = (tenant_id: string) =>
  replica.run('tenants.create', { tenant_id, metadata: { name: `The ${tenant_id}` }, reason });
const fill = async (to: number): Promise<void> => {
  for (let n = 0; n < to; n += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, to - n) }, (_, more) => ground.port.ensureConsumers(`full-${n + more}`)),
    );
};
/** What the connections page says of JetStream. */
const jetstream = async (): Promise<string | null> => {
  const { nats, environment } = replica;
  const probe = natsFeature({ nats, environment })
    .probes()
    .find(({ id }) => id === 'jetstream')!;
  return probe.run(AbortSignal.timeout(5_000));
};
const needsYou = async () => limitItems(await replica.nats.limits());

it('TEN-10 the 501st tenant is created like the first', async () => {
  ground = await startGround(20_000, { durable: false });
  replica = await startReplica(ground, { patienceMs: 1_500 });
  await fill(500);
  const plan = await replica.preflight('tenants.create', { tenant_id: 'acme', metadata: { name: 'Acme' }, reason });
  expect(plan.checks.find(({ id }) => id === 'consumers.room')).toMatchObject({
    status: 'pass',
    measured: 1_002,
    limit: 100_000,
    unit: 'consumers',
    detail: 'with its consumers EVENTS has 1 002 of 100 000 consumers (1 %)',
  });
  expect((await create('acme')).state).toBe('succeeded');
  expect(await jetstream()).toMatch(/; EVENTS has 1 002 of 100 000 consumers \(1 %\)$/);
  expect(await needsYou()).toEqual([]);
});

it('TEN-10 a limit is told before it binds, on every page that could help, and then it blocks by name', async () => {
  const more = 'accounts { A { jetstream { max_consumers: 10 }, users: [{user: a, password: a}] } }\nno_auth_user: a\n';
  ground = await startGround(20_000, { durable: false, more });
  replica = await startReplica(ground, { patienceMs: 1_500 });
  await fill(3);
  const early = await replica.preflight('tenants.create', { tenant_id: 'acme', metadata: { name: 'Acme' }, reason });
  expect(early.checks.find(({ id }) => id === 'consumers.room')).toMatchObject({ status: 'warn', measured: 8 });
  expect(early.blockers).toEqual([]);
  await fill(4);
  expect(await jetstream()).toMatch(/; EVENTS has 8 of 10 consumers \(80 %\)$/);
  expect(await needsYou()).toMatchObject([
    { severity: 'warning', title: 'EVENTS nears its limit of consumers', resource: 'stream:EVENTS' },
  ]);
  await fill(5);
  await expect(create('acme')).rejects.toMatchObject({ code: 'preflight.blocked', message: /12 of 10 consumers/ });
  await expect(jetstream()).rejects.toThrow('at its limit: EVENTS has 10 of 10 consumers (100 %)');
  expect(await needsYou()).toMatchObject([{ severity: 'critical', title: 'EVENTS is at its limit of consumers' }]);
  // What the tenant has already is not asked for twice.
  const again = await replica.preflight('tenants.create', { tenant_id: 'full-0', metadata: { name: 'F' }, reason });
  expect(again.checks.find(({ id }) => id === 'consumers.room')).toMatchObject({ status: 'warn', measured: 10 });
});
