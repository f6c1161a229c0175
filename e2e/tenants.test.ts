// A tenant's life over the API of a running platform: born, paused, resumed, archived, restored; and births that fail.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Client, Tenant } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { NO_FAULTS } from '../backend/testing/platform-node.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { auditOf, carryOut, entry, refusal, submit } from './journey.ts';
import { settledWorld, tenantWorld } from './world.ts';

let stack: Stack;
let admin: Client;
beforeAll(async () => {
  stack = await startStack({ tenants: ['acme'] });
  admin = stack.as('admin');
});
afterEach(() => Promise.all([...stack.nodes.values()].map((node) => node.fault(NO_FAULTS))));
afterAll(() => stack?.stop());

const get = (tenantId: string): Promise<Tenant> => admin.read('tenants.get', { params: { tenant_id: tenantId } });
const why = { reason: 'as agreed' };
const command = async (tenantId: string): Promise<number> => (await stack.command(tenantId, randomUUID())).status;
const until = (tenantId: string, state: string): Promise<Tenant> =>
  eventually(`${tenantId} is ${state}`, async () => {
    const tenant = await get(tenantId);
    return tenant.status.state === state && tenant;
  });
const absent = {
  phase: 'absent', paused: null, name: null, flag: null, consumers: [], gateway: 'absent',
  aggregate: 'nowhere', projection: 'nowhere', runner: 'nowhere',
}; // prettier-ignore
const isAbsent = (left: unknown): boolean => JSON.stringify(left) === JSON.stringify(absent);

describe('a tenant', () => {
  it('TEN-01 TEN-10 TEN-11 TEN-12 API-01 is provisioned by a job: streams, consumers, configuration, placement, readiness', async () => {
    const body = { tenant_id: 'globex', metadata: { name: 'Globex', plan: 'pro' as const }, ...why };
    const plan = await admin.preflight('tenants.create', { body });
    expect(plan.blockers).toEqual([]);
    expect(await tenantWorld(stack, 'globex')).toEqual(absent);
    const job = await carryOut(admin, 'tenants.create', { body });
    expect([job.state, job.problem]).toEqual(['succeeded', null]);
    expect(await settledWorld(() => tenantWorld(stack, 'globex'), {})).toMatchObject({
      phase: 'live', paused: false, flag: false, consumers: ['projection', 'runner'],
      gateway: 'serving', aggregate: 'serving', projection: 'serving', runner: 'serving',
    }); // prettier-ignore
    expect(await command('globex')).toBe(200);
    const codes = (await auditOf(admin, job.job_id)).map((record) => record.code).sort();
    expect(codes).toEqual(['job.submitted', 'job.succeeded']);
  });

  it('TEN-02 TEN-04 TEN-05 is listed as active, with the sentence why, its plan and its shards', async () => {
    const tenant = await until('globex', 'active');
    expect(tenant.status.reason).toMatch(/aggregate\/a\d.*projection\/p\d.*runner\/r\d/);
    expect(tenant).toMatchObject({ metadata: { name: 'Globex', plan: 'pro' }, purge_after: null });
    expect(tenant.placements.map((placement) => placement.kind).sort()).toEqual(['aggregate', 'projection', 'runner']);
    const { items } = await admin.read('tenants.list', { query: { search: 'glob' } });
    expect(items.map((item) => item.tenant_id)).toEqual(['globex']);
  });

  it('TEN-01 cannot be created twice, nor by two at once', async () => {
    const twice = admin.preflight('tenants.create', { body: { tenant_id: 'globex', metadata: { name: 'G' }, ...why } });
    expect(await refusal(twice)).toMatchObject({ code: 'tenant.exists', status: 409 });
    const body = { tenant_id: 'initech', metadata: { name: 'Initech' }, ...why };
    const attempt = async (client: Client): Promise<string> => {
      try {
        const job = await carryOut(client, 'tenants.create', { body });
        return job.state === 'succeeded' ? 'won' : job.problem!.code;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const outcomes = await Promise.all([attempt(admin), attempt(stack.as('owner'))]);
    expect(outcomes.filter((outcome) => outcome === 'won')).toHaveLength(1);
    expect(['tenant.exists', 'preflight.blocked']).toContain(outcomes.find((outcome) => outcome !== 'won'));
    expect(await command('initech')).toBe(200);
  });

  it('TEN-06 TEN-07 TEN-08 TEN-09 its metadata changes by a job; who read an older version is refused', async () => {
    const params = { tenant_id: 'globex' };
    const { version } = await get('globex');
    const metadata = {
      quotas: { commands: 500 },
      feature_flags: { beta: true },
      contact: { email: 'ops@globex.test', phone: null },
      billing: { account: '42' },
    };
    const job = await carryOut(admin, 'tenants.update', { params, body: { metadata, version, ...why } });
    expect(job.state).toBe('succeeded');
    const changed = await get('globex');
    expect(changed.metadata).toMatchObject({ name: 'Globex', ...metadata });
    expect(changed.version).toBe(version + 1);
    const late = admin.preflight('tenants.update', { params, body: { metadata, version, ...why } });
    expect(await refusal(late)).toMatchObject({ code: 'version.stale', status: 409 });
  });

  it('TEN-14 TEN-04 a pause is obeyed by the gateway with 423 and told by the status, and lifted again', async () => {
    const params = { tenant_id: 'globex' };
    const paused = await carryOut(admin, 'tenants.pause', { params, body: { reason: 'unpaid invoice' } });
    expect([paused.state, paused.problem]).toEqual(['succeeded', null]);
    expect(await command('globex')).toBe(423);
    const { status } = await until('globex', 'suspended');
    expect(status.reason).toContain('unpaid invoice');
    expect(await command('acme')).toBe(200);
    const again = await admin.preflight('tenants.pause', { params, body: why });
    expect(again.blockers.map((blocker) => blocker.code)).toEqual(['tenant.state']);
    await carryOut(admin, 'tenants.resume', { params, body: why });
    expect(await command('globex')).toBe(200);
    await until('globex', 'active');
    expect(paused.undo).toMatchObject({ operation: 'tenants.resume', params });
  });

  it('TEN-03 is archived with a cooling period, refuses commands, and comes back by a restore', async () => {
    const params = { tenant_id: 'globex' };
    const archived = await carryOut(admin, 'tenants.archive', { params, body: why });
    expect([archived.state, archived.problem]).toEqual(['succeeded', null]);
    const tenant = await until('globex', 'archived');
    const days = (Date.parse(tenant.purge_after!) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29);
    expect(days).toBeLessThan(31);
    expect(await command('globex')).toBe(423);
    const moving = await admin.preflight('tenants.pause', { params, body: why });
    expect(moving.blockers.map((blocker) => blocker.code)).toContain('tenant.state');
    expect(await carryOut(admin, 'tenants.restore', { params, body: why })).toMatchObject({ state: 'succeeded' });
    expect(await command('globex')).toBe(200);
    expect(await until('globex', 'active')).toMatchObject({ purge_after: null });
  });

  it('GEN-32 an unknown tenant is 404 everywhere', async () => {
    const params = { tenant_id: 'nobody' };
    expect(await refusal(get('nobody'))).toMatchObject({ code: 'tenant.unknown', status: 404 });
    for (const kind of ['tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore'] as const)
      expect(await refusal(admin.preflight(kind, { params, body: why }))).toMatchObject({ code: 'tenant.unknown' });
  });
});

describe('a provisioning that fails', () => {
  it('TEN-10 TEN-12 NFR-07 leaves nothing behind when a node does not take the tenant', async () => {
    const shards = { aggregate: 'a2', projection: 'p2', runner: 'r2' };
    const body = { tenant_id: 'stillborn', metadata: { name: 'S' }, shards, ...why };
    const runner = stack.node('r2');
    const jobId = await submit(admin, 'tenants.create', { body });
    await runner.fault({ hang: true });
    const job = await admin.follow(jobId, (now) => {
      if (now.steps.some((step) => step.state === 'failed')) void runner.fault({ hang: false });
    });
    expect(job).toMatchObject({ state: 'compensated', problem: { code: 'node.timeout', step: 'readiness' } });
    expect(job.problem!.detail).toContain('runner/r2');
    await runner.fault({ hang: false });
    const left = await settledWorld(() => tenantWorld(stack, 'stillborn'), absent, 8_000);
    expect([left, isAbsent(left) ? '' : runner.log()]).toEqual([absent, '']);
    expect(await refusal(get('stillborn'))).toMatchObject({ code: 'tenant.unknown' });
    const isReady = async () => (await admin.preflight('tenants.create', { body })).blockers.length === 0;
    await eventually('the node is seen to answer again', isReady);
    const again = await carryOut(admin, 'tenants.create', { body });
    expect([again.state, again.problem]).toEqual(['succeeded', null]);
    expect(await command('stillborn')).toBe(200);
  });

  it('NFR-07 with NATS gone in the middle it ends whole or not at all', async () => {
    const body = { tenant_id: 'unlucky', metadata: { name: 'U' }, ...why };
    const jobId = await submit(admin, 'tenants.create', { body });
    stack.nats.kill();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await stack.restartNats();
    const job = await admin.follow(jobId, () => undefined, AbortSignal.timeout(50_000));
    expect(['succeeded', 'compensated', 'failed']).toContain(job.state);
    if (job.state === 'succeeded') {
      await eventually('it is served', async () => (await command('unlucky')) === 200);
      return;
    }
    expect(job.problem!.code).not.toBe('compensation.failed');
    expect(await settledWorld(() => tenantWorld(stack, 'unlucky'), absent, 10_000)).toEqual(absent);
    expect(await entry(stack, 'config', 'tenants.unlucky')).toBeNull();
  });
});
