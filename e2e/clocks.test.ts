// Clocks that are off, over the real service: a second replica and nodes, said wherever an operator looks.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { Overview } from '@cloudlysis/contract';
import { pino } from 'pino';
import { systemAmbient } from '../backend/src/kernel/ambient.ts';
import { readConfig } from '../backend/src/service-config.ts';
import { LONGEST_TOKEN_MS } from '../backend/src/identity/tokens/revocations.ts';
import { startControlPlane, type ControlPlane } from '../backend/src/service.ts';
import { backendSpec } from '../backend/testing/stack-layout.ts';
import { eventually } from '../backend/testing/eventually.ts';
import { NO_FAULTS } from '../backend/testing/platform-node.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { freePort } from '../testing/processes.ts';

const OFF_MS = 25 * 60_000;

let stack: Stack;
let behind: ControlPlane | undefined;
beforeAll(async () => {
  stack = await startStack({ tenants: 1, shards: ['g1', 'a1', 'p1', 'r1'] });
});
afterAll(async () => {
  await behind?.stop();
  await stack?.stop();
});

const clocks = async (): Promise<Overview['attention']> =>
  (await stack.as('operator').read('overview.get')).attention.filter(({ id }) => id.startsWith('clock'));
const connections = async (): Promise<Record<string, [string, string]>> =>
  Object.fromEntries(
    (await stack.as('operator').read('settings.connections')).items.map(({ id, state, detail }) => [id, [state, detail]]),
  ); // prettier-ignore
const series = async (peer: string): Promise<number> => {
  const text = await (await fetch(`${stack.url()}/metrics`)).text();
  return Number(new RegExp(`^cp_clock_skew_seconds\\{peer="${peer}"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
};

it('NFR-07 UI-01 UI-12 clocks that are right are measured, and nothing is said', async () => {
  await eventually('every node is measured', async () => (await connections())['clock.nodes']?.[1].startsWith('4 at'));
  expect(await clocks()).toEqual([]);
  expect(await connections()).toMatchObject({
    'clock.store': ['ok', expect.stringMatching(/^1 at most \d+ ms off the store$/)],
    'clock.replicas': ['not-configured', 'there is none'],
    'clock.nodes': ['ok', expect.stringMatching(/^4 at most \d+ m?s off the store$/)],
  });
});

it('NFR-07 UI-01 UI-12 a node and a replica that are 25 minutes off are named, with what it means, and stay ready', async () => {
  const port = await freePort();
  stack.layout.backendPorts.push(port);
  const config = readConfig(backendSpec(stack.layout, 1).env);
  const machine = { ...systemAmbient(), now: () => new Date(Date.now() - OFF_MS) };
  behind = await startControlPlane(config, machine, pino({ level: 'silent' }));
  await stack.node('g1').fault({ clock_ms: OFF_MS });
  await eventually('both are said', async () => (await clocks()).length === 2);
  expect((await clocks()).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject([
    { id: 'clock:node/gateway/g1', severity: 'critical', title: 'The clock of gateway/g1 is 25 min ahead of the store', resource: 'shard:g1' },
    { id: 'clock:replica/replica-2', severity: 'critical', title: 'The clock of replica replica-2 is 25 min behind the store', detail: expect.stringContaining('refuses fresh ones') },
  ]); // prettier-ignore
  expect(await connections()).toMatchObject({
    'clock.store': ['ok', expect.any(String)],
    'clock.replicas': ['failed', 'replica-2 is 25 min behind the store'],
    'clock.nodes': ['failed', 'gateway/g1 is 25 min ahead of the store'],
  });
  expect(await series('node/gateway/g1')).toBeCloseTo(OFF_MS / 1_000, -1);
  expect(await series('replica/replica-2')).toBeCloseTo(-OFF_MS / 1_000, -1);
  for (const url of [stack.url(), behind.url]) expect((await fetch(`${url}/readyz`)).status).toBe(200);
  // The time that every replica tells is the store's.
  const told = (await fetch(`${behind.url}/healthz`)).headers.get('control-time');
  expect(Math.abs(Date.parse(told!) - Date.now())).toBeLessThan(5_000);
});

it('AUD-01 NFR-07 when refusals that were counted began and ended is told in the time that replicas share, too', async () => {
  const headers = { authorization: `Bearer ${await stack.token({ email: 'late@b.test' })}` };
  for (let n = 0; n < 3; n++) expect((await fetch(`${behind!.url}/admin/v1/me`, { headers })).status).toBe(401);
  const query = { outcome: 'refused', actor: 'anonymous', limit: 200 } as const;
  const counted = await eventually(
    'they are told of in one record',
    async () => (await stack.as('owner').read('audit.records.list', { query })).items.find(({ count }) => count === 2),
    20_000,
  );
  for (const at of [counted.at, counted.first_at!, counted.last_at!])
    expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
});

it('IAM-23 NFR-07 how long a lost revocation holds is told in the time that replicas share, whoever notes it', async () => {
  const bucket = () => new Kvm(jetstream(stack.nc)).open('iam_revocations');
  const onRecord = (id: string) => stack.db.collection<{ _id: string; until: Date | null }>('revocations').findOne({ _id: id });
  await stack.backend.kill();
  await (await bucket()).put('lost', '');
  await eventually('it is on record', async () => (await onRecord('lost')) !== null);
  await (await bucket()).destroy();
  const until = await eventually('it is lost', async () => (await onRecord('lost'))?.until ?? false);
  await stack.backend.start();
  expect(Math.abs(until.getTime() - Date.now() - LONGEST_TOKEN_MS)).toBeLessThan(OFF_MS / 5);
}); // prettier-ignore

it('NFR-07 what is set right is said no more', async () => {
  await stack.node('g1').fault(NO_FAULTS);
  await behind?.stop();
  behind = undefined;
  await eventually('nothing is said', async () => (await clocks()).length === 0);
});
