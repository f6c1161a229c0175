// The published placements are lost while commands flow: repaired, followed by nodes and gateway, and the next moves lose nothing.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Job } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { carryOut, otherShard, placementOf, published } from './journey.ts';

let stack: Stack;
let operator: Client;
beforeAll(async () => {
  stack = await startStack({ tenants: 3 });
  operator = stack.as('operator');
});
afterAll(() => stack?.stop());

async function move(tenantId: string): Promise<{ job: Job; to: string }> {
  const to = otherShard((await placementOf(operator, tenantId, 'aggregate')).shard_id);
  const body = { tenant_id: tenantId, kind: 'aggregate' as const, to, reason: 'after the loss' };
  return { job: await carryOut(operator, 'scale.migrate', { body }), to };
}

const gatewayCheck = (job: Job) => job.proof?.checks.find(({ id }) => id === 'gateway.g1');
const drift = async () => (await operator.read('scale.drift.get')).items;

describe('NFR-07 SCL-06 the path of a command is followed, repaired and proven', () => {
  it('the bucket is deleted and rebuilt by the repair, then two tenants move: no command fails, is lost or doubled', async () => {
    const enough = new AbortController();
    const loading = stack.load({ rate: 40, seconds: 120, seed: 11 }, enough.signal);
    await sleep(500);
    await (await jetstreamManager(stack.nc)).streams.delete('KV_placement');
    await eventually('all of it is missed', async () => (await drift()).length === 9);
    const repaired = await carryOut(operator, 'scale.drift.repair', { body: { reason: 'the bucket is gone' } });
    expect(repaired).toMatchObject({ state: 'succeeded', proof: { facts: { repaired: 9 } } });
    for (const tenant of ['tenant-01', 'tenant-02']) {
      const { job, to } = await move(tenant);
      expect(job).toMatchObject({ state: 'succeeded', proof: { facts: { lost: 0, duplicated: 0 } } });
      const { revision } = (await published(stack, 'aggregate', tenant))!;
      expect(gatewayCheck(job)).toMatchObject({ status: 'pass', limit: `${to} at revision ${revision}` });
    }
    await sleep(500);
    enough.abort();
    expect(await loading).toMatchObject({ failed: 0, lost: 0, duplicated: 0, gaps: 0 });
    expect(await drift()).toEqual([]);
  }, 90_000);

  it('the bucket is deleted just before a move is carried out: the move holds or is undone, and no other tenant is given up by it', async () => {
    const from = (await placementOf(operator, 'tenant-01', 'aggregate')).shard_id;
    const enough = new AbortController();
    const loading = stack.load({ rate: 40, seconds: 120, seed: 12 }, enough.signal);
    await sleep(500);
    const body = {
      tenant_id: 'tenant-01',
      kind: 'aggregate' as const,
      to: otherShard(from),
      reason: 'a loss meanwhile',
    };
    const plan = await operator.preflight('scale.migrate', { body });
    const jobId = (await operator.submit('scale.migrate', { body, idempotencyKey: randomUUID(), planHash: plan.hash })).job
      .job_id; // prettier-ignore
    await (await jetstreamManager(stack.nc)).streams.delete('KV_placement');
    const job = await operator.follow(jobId, () => undefined, AbortSignal.timeout(50_000));
    expect(['succeeded', 'compensated']).toContain(job.state);
    // Two more readings of the bucket that has next to nothing in it.
    for (const node of ['g1', 'a1', 'a2']) await stack.node(node).call('POST', '/admin/reload?lost=kept', {});
    await sleep(1_500);
    for (const tenant of stack.tenants) expect((await stack.command(tenant, randomUUID())).status).toBe(200);
    await eventually('it is told', async () => {
      const { attention } = await operator.read('overview.get');
      return attention.find(({ id }) => id === 'shard.copy:g1/placement');
    });
    const repaired = await carryOut(operator, 'scale.drift.repair', { body: { reason: 'the bucket is gone' } });
    expect(repaired.state).toBe('succeeded');
    enough.abort();
    expect(await loading).toMatchObject({ failed: 0, lost: 0, duplicated: 0, gaps: 0 });
    expect(await drift()).toEqual([]);
  }, 90_000);

  it('TEN-14 the flags are deleted while a tenant is paused, and its nodes restart: it is held back again, on record', async () => {
    const params = { tenant_id: 'tenant-02' };
    const body = { reason: 'INC-7' };
    expect((await carryOut(operator, 'tenants.pause', { params, body })).state).toBe('succeeded');
    await (await jetstreamManager(stack.nc)).streams.delete('KV_config');
    const node = stack.node((await placementOf(operator, 'tenant-02', 'aggregate')).shard_id);
    await node.kill();
    await node.start();
    await eventually('held back again', async () => (await node.tenant('tenant-02'))?.state === 'paused');
    expect((await stack.command('tenant-02', randomUUID())).status).toBe(423);
    const { items } = await operator.read('audit.records.list', { query: { tenant_id: 'tenant-02', limit: 200 } });
    expect(items.map(({ code }) => code)).toContain('flag.put_back');
    expect((await carryOut(operator, 'tenants.resume', { params, body })).state).toBe('succeeded');
    expect((await stack.command('tenant-02', randomUUID())).status).toBe(200);
  });

  it('TEN-14 AUD-01 a flag that NATS does not let be put back is on record once, and put back when it does', async () => {
    const params = { tenant_id: 'tenant-02' };
    const body = { reason: 'INC-8' };
    const told = async () => {
      const { items } = await operator.read('audit.records.list', { query: { tenant_id: 'tenant-02', limit: 200 } });
      return items.filter(({ code }) => code === 'flag.put_back').length;
    };
    expect((await carryOut(operator, 'tenants.pause', { params, body })).state).toBe('succeeded');
    const before = await told();
    const { streams } = await jetstreamManager(stack.nc);
    const { config, state } = await streams.info('KV_config');
    await streams.update('KV_config', { ...config, max_msgs: state.messages });
    await streams.purge('KV_config', { filter: '$KV.config.tenants.tenant-02' });
    // As many entries as there may be: what was purged gave its room to another.
    await (await new Kvm(stack.nc).open('config')).put('filler', 'x');
    await eventually('it is on record', async () => (await told()) > before);
    await sleep(7_000);
    expect(await told()).toBe(before + 1);
    await streams.update('KV_config', { ...config });
    await eventually('it is put back', async () => (await new Kvm(stack.nc).open('config')).get('tenants.tenant-02'));
    expect(await told()).toBe(before + 1);
    expect((await carryOut(operator, 'tenants.resume', { params, body })).state).toBe('succeeded');
  });

  it.each([
    'nobody can read this',
    '{"paused":"yes"}',
    '[]',
    '{"paused":true,"reason":"x","revision":1}',
    '{"paused":false,"reason":"x","revision":1}',
  ])(
    'TEN-14 OPS-11 a flag that was overwritten with %s: the tenant is paused all the same',
    async (text) => {
      const params = { tenant_id: 'tenant-03' };
      const body = { reason: 'INC-7' };
      // The nodes know a higher revision than the first.
      for (const kind of ['tenants.pause', 'tenants.resume'] as const)
        expect((await carryOut(operator, kind, { params, body })).state).toBe('succeeded');
      const kv = await new Kvm(stack.nc).open('config');
      await kv.put('tenants.tenant-03', text);
      expect((await carryOut(operator, 'tenants.pause', { params, body })).state).toBe('succeeded');
      expect((await stack.command('tenant-03', randomUUID())).status).toBe(423);
      expect((await carryOut(operator, 'tenants.resume', { params, body })).state).toBe('succeeded');
      expect((await stack.command('tenant-03', randomUUID())).status).toBe(200);
    },
    60_000,
  );

  it('TEN-14 OPS-11 a flag that holds back a tenant whom nobody paused here is left alone and said, with the way out', async () => {
    const tenant = 'tenant-03';
    const params = { tenant_id: tenant };
    const statusOf = async () => (await operator.read('tenants.get', { params })).status;
    const kv = await new Kvm(stack.nc).open('config');
    await kv.put(`tenants.${tenant}`, JSON.stringify({ paused: true, reason: 'of a record that was put back', revision: 900 })); // prettier-ignore
    await eventually('it is said', async () => (await statusOf()).state === 'degraded');
    expect((await statusOf()).reason).toMatch(/held back by its flag on NATS .*\(of a record that was put back\).*pause and resume it/); // prettier-ignore
    expect((await stack.command(tenant, randomUUID())).status).toBe(423);
    const { attention } = await operator.read('overview.get');
    expect(attention.filter(({ detail }) => /held back by its flag/.test(detail))).toHaveLength(1);
    const body = { reason: 'INC-7' };
    for (const kind of ['tenants.pause', 'tenants.resume'] as const)
      expect((await carryOut(operator, kind, { params, body })).state).toBe('succeeded');
    await eventually('it is served', async () => (await statusOf()).state === 'active');
    expect((await stack.command(tenant, randomUUID())).status).toBe(200);
  }, 90_000);

  it('the server forgets every watch, then a tenant moves: its first command is answered and the gateway is proven', async () => {
    const jsm = await jetstreamManager(stack.nc);
    const watches = await jsm.consumers.list('KV_placement').next();
    await Promise.all(watches.map(({ name }) => jsm.consumers.delete('KV_placement', name).catch(() => false)));
    const { job, to } = await move('tenant-03');
    expect((await stack.command('tenant-03', randomUUID())).status).toBe(200);
    expect([job.state, gatewayCheck(job)?.status]).toEqual(['succeeded', 'pass']);
    await eventually('served', async () => (await stack.node(to).tenant('tenant-03'))?.state === 'serving');
  });

  it('the database is put back to before the moves: drift names node and gateway, and the repair wins over both', async () => {
    const before = await placementOf(operator, 'tenant-01', 'aggregate');
    const home = otherShard(before.shard_id);
    const placements = stack.db.collection<{ _id: string; shard_id: string; revision: number }>('placements');
    await placements.updateOne({ _id: 'aggregate.tenant-01' }, { $set: { shard_id: home, revision: 1 } });
    expect(await drift()).toMatchObject([
      { tenant_id: 'tenant-01', recorded: home, reported: [before.shard_id], misrouted: ['g1'] },
    ]);
    const repaired = await carryOut(operator, 'scale.drift.repair', { body: { reason: 'the database was restored' } });
    expect(repaired.state).toBe('succeeded');
    expect((await published(stack, 'aggregate', 'tenant-01'))?.revision).toBeGreaterThan(before.revision);
    expect((await stack.command('tenant-01', randomUUID())).status).toBe(200);
    expect(await drift()).toEqual([]);
  });
});
