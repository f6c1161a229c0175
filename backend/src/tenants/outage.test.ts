import { expect, it } from '@jest/globals';
import { Problem } from '@cloudlysis/contract';
import { startNats } from '../../../testing/nats.ts';
import { felt } from '../../../testing/felt.ts';
import { startGround, startReplica } from './platform.fixture.ts';
import { stopwatch } from '../../../testing/stopwatch.ts';

const reason = 'INC-42: a test';

it('NFR-07 with NATS away plans are blocked and say so, and reads go on; all of it bounded', async () => {
  await using ground = await startGround();
  await using replica = await startReplica(ground);
  await replica.run('tenants.create', { tenant_id: 'acme', metadata: { name: 'Acme' }, reason });
  ground.nats.kill();
  const started = stopwatch();
  for (const kind of ['tenants.pause', 'tenants.archive'] as const) {
    const plan = await replica.preflight(kind, { tenant_id: 'acme', reason });
    expect(plan.blockers).toEqual([expect.objectContaining({ code: 'bus.reachable' })]);
    expect(felt(plan)).toMatchObject({ lag: null });
  }
  const input = { tenant_id: 'globex', metadata: { name: 'Globex' }, reason };
  expect((await replica.preflight('tenants.create', input)).blockers.map(({ code }) => code)).toContain(
    'bus.reachable',
  );
  expect((await replica.get('acme')).tenant_id).toBe('acme');
  expect((await replica.list()).items.map(({ tenant_id }) => tenant_id)).toEqual(['acme']);
  expect(started()).toBeLessThan(25_000);
});

it('NFR-07 seeding that NATS interrupts is refused, and goes on when it is called again', async () => {
  await using ground = await startGround();
  await using replica = await startReplica(ground, { tenants: ['acme', 'globex'] });
  const { port, storeDir } = ground.nats;
  ground.nats.kill();
  await expect(replica.tenants.seed()).rejects.toMatchObject({ code: 'bus.unavailable' });
  const again = await startNats({ port, storeDir });
  let seeded = 0;
  for (let tried = 0; seeded === 0 && tried < 50; tried += 1) {
    seeded = await replica.tenants.seed().catch(() => 0);
    await replica.ambient.sleep(100);
  }
  expect(seeded).toBe(2);
  expect((await replica.list()).items.map(({ status }) => status.state)).not.toContain('provisioning');
  await again.stop();
});

it('API-05 NFR-07 what NATS did not say in time is unknown: a plan is blocked and never stale, and one that was shown before holds afterwards', async () => {
  await using ground = await startGround();
  await using replica = await startReplica(ground);
  await replica.run('tenants.create', { tenant_id: 'acme', metadata: { name: 'Acme' }, reason });
  const slow = () => Promise.reject(new Problem('bus.unavailable', 'reading tenants.acme took more than 3000 ms'));
  const { config } = replica.nats as { config: { get: typeof replica.nats.config.get } };
  for (const kind of ['tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore'] as const) {
    const { hash } = await replica.preflight(kind, { tenant_id: 'acme' });
    const get = config.get;
    config.get = slow;
    try {
      const plan = await replica.preflight(kind, { tenant_id: 'acme' });
      expect(plan.blockers).toEqual([{ code: 'bus.reachable', detail: 'reading tenants.acme took more than 3000 ms' }]);
      const refused = replica.carryOut(kind, { tenant_id: 'acme', reason }, hash);
      await expect(refused).rejects.toMatchObject({ code: 'preflight.blocked' });
    } finally {
      config.get = get;
    }
    expect((await replica.carryOut(kind, { tenant_id: 'acme', reason }, hash)).state).toBe('succeeded');
  }
  const port = replica.nats as { limits: typeof replica.nats.limits };
  port.limits = slow;
  const creation = await replica.preflight('tenants.create', { tenant_id: 'new', metadata: { name: 'New' }, reason });
  expect(creation.blockers).toMatchObject([{ code: 'consumers.room', detail: expect.stringMatching(/^not known/) }]);
});
