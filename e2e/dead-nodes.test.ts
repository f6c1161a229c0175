// Nodes that die, freeze and forget: an operator gets everybody off one that is gone, and a drain outlives its node and its control plane.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { freeze } from '../testing/processes.ts';
import { carryOut, logProof, placementOf, refusal, submit } from './journey.ts';

let stack: Stack;
let owner: Client;
beforeAll(async () => {
  stack = await startStack({ tenants: 4, replicas: 2 });
  owner = stack.as('owner');
});
afterAll(() => stack?.stop());

const attention = async (id: string) => {
  const { attention } = await owner.read('overview.get');
  return attention.find((item) => item.id === id);
};
const recordsOf = async (tenant_id: string) => {
  const { items } = await owner.read('audit.records.list', { query: { tenant_id, limit: 200 } });
  return items.map(({ code }) => code).filter((code) => code.startsWith('drain.'));
};

describe('SCL-06 NFR-07 a node that is frozen under load', () => {
  it('is said to be silent, and evacuated as gone; when it goes on, nothing was lost or doubled and it gives everybody up', async () => {
    const tenants = await Promise.all(stack.tenants.map((id) => placementOf(owner, id, 'aggregate')));
    const victim = tenants[0]!.shard_id;
    const node = stack.node(victim);
    const enough = new AbortController();
    const loading = stack.load({ rate: 40, seconds: 120, seed: 11 }, enough.signal);
    await eventually('commands flow', async () => (await logProof(stack, stack.tenants[0]!)).events > 5);
    await freeze(node.pid!);
    try {
      const item = await eventually('it is told', () => attention(`shard.unreachable:${victim}`));
      expect(item).toMatchObject({ severity: 'critical', action: 'scale.evacuate', input: { source: 'gone' } });
      expect(item.since).not.toBeNull();
      const asUsual = { body: { shard_id: victim, reason: 'it died' } };
      const blocked = await owner.preflight('scale.evacuate', asUsual);
      expect(blocked.blockers.find(({ code }) => code === 'source.reachable')?.detail).toContain('source: gone');
      expect(await refusal(submit(owner, 'scale.evacuate', asUsual))).toMatchObject({ code: 'preflight.blocked' });
      const body = { shard_id: victim, source: 'gone' as const, reason: 'it died' };
      const ended = await carryOut(owner, 'scale.evacuate', { body });
      expect(ended).toMatchObject({ state: 'succeeded', proof: { facts: { lost: 0, duplicated: 0 } } });
      expect(ended.reason).toBe('it died');
    } finally {
      process.kill(node.pid!, 'SIGCONT');
    }
    const answered = await stack.command(stack.tenants[0]!, 'after-the-frost');
    expect(answered.status).toBe(200);
    await eventually('it gave everybody up', async () => {
      const { body } = await node.call('GET', '/admin/state');
      return body.tenants.length === 0;
    });
    enough.abort();
    expect(await loading).toMatchObject({ lost: 0, duplicated: 0, gaps: 0 });
    await eventually('nothing drifts', async () => (await owner.read('scale.drift.get')).items.length === 0);
    const again = await owner.preflight('scale.evacuate', {
      body: { shard_id: victim, source: 'gone', reason: 'again' },
    });
    expect(again.blockers.map(({ code }) => code)).toContain('source.gone');
  }, 120_000);
});

describe('OPS-07 NFR-07 a drain', () => {
  it('is put back after its node was killed, once on record by two replicas, also after both were killed; a resume ends it', async () => {
    const tenant_id = stack.tenants[1]!;
    const { shard_id } = await placementOf(owner, tenant_id, 'projection');
    const node = stack.node(shard_id);
    const drain = { shard_id, tenant_id, action: 'drain' as const, reason: 'disk latency' };
    const drained = await carryOut(owner, 'scale.drain', { body: drain });
    expect(drained.state).toBe('succeeded');
    const restart = async () => {
      await node.kill();
      await node.start();
    };
    const becomes = (state: string) =>
      eventually(`it is ${state}`, async () => (await node.tenant(tenant_id))?.state === state);
    await restart();
    await becomes('drained');
    await eventually('it is on record', async () => (await recordsOf(tenant_id)).length > 0);
    await eventually('its status names the job', async () => {
      const { status } = await owner.read('tenants.get', { params: { tenant_id } });
      return status.state === 'draining' && status.reason.includes(drained.job_id);
    });
    // What nodes report is two seconds old at most.
    const row = await eventually('the node reports it', async () => {
      const { items } = await owner.read('scale.drains.list');
      return items.find((item) => item.tenant_id === tenant_id && item.state === 'drained');
    });
    expect(row).toMatchObject({ ordered: { job_id: drained.job_id, reason: 'disk latency' } });
    const input = { action: 'resume', shard_id };
    const item = await eventually('it is told', () => attention(`drain:${shard_id}/${tenant_id}`));
    expect(item).toMatchObject({ action: 'scale.drain', input });
    await Promise.all(stack.backends.map((backend) => backend.kill()));
    await restart();
    await Promise.all(stack.backends.map((backend) => backend.start()));
    await becomes('drained');
    expect(await recordsOf(tenant_id)).toEqual(['drain.put_back']);
    const resumed = await carryOut(owner, 'scale.drain', { body: drained.undo!.body as typeof drain });
    expect(resumed.state).toBe('succeeded');
    await becomes('serving');
    await restart();
    await becomes('serving');
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await node.tenant(tenant_id))?.state).toBe('serving');
    expect(await owner.read('audit.verify')).toMatchObject({ ok: true });
  }, 120_000);
});
