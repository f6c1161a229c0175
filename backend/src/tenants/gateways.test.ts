// Gateways in the tenant jobs: every registered one is waited for and proven, a silent one is said, a wrong one fails the job.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Job, Plan } from '@cloudlysis/contract';
import { startGround, startReplica, type Ground, type Replica } from './platform.fixture.ts';

let ground: Ground;
let replica: Replica;
beforeAll(async () => {
  ground = await startGround(50);
  replica = await startReplica(ground, { patienceMs: 2_500, isHasty: true });
});
afterAll(async () => {
  await replica?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

const reason = 'INC-42: a test';
const inputs = {
  'tenants.create': (tenant_id: string) => ({
    tenant_id,
    metadata: { name: tenant_id },
    shards: { aggregate: 'a1' },
    reason,
  }),
  'tenants.pause': (tenant_id: string) => ({ tenant_id, reason }),
  'tenants.resume': (tenant_id: string) => ({ tenant_id, reason }),
  'tenants.archive': (tenant_id: string) => ({ tenant_id, reason }),
  'tenants.restore': (tenant_id: string) => ({ tenant_id, reason }),
} as const;
const KINDS = ['tenants.create', 'tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore'] as const;

const run = (kind: (typeof KINDS)[number], tenant: string) => replica.run(kind, inputs[kind](tenant));
const ofGateway = ({ proof }: Job) => proof?.checks.find(({ id }) => id === 'node.gateway');
const answering = (plan: Plan) => plan.checks.find(({ id }) => id === 'nodes.answer');
async function withGateway<T>(change: object, work: () => Promise<T>): Promise<T> {
  const node = ground.node('g1');
  const before = { hangs: node.hangs, misroutes: node.misroutes, defies: node.defies };
  Object.assign(node, change);
  return work().finally(() => Object.assign(node, before));
}

it('NFR-07 every change of a tenant has a check of its gateway in the proof, with what the gateway reports', async () => {
  for (const kind of KINDS) {
    const job = await run(kind, 'proven');
    expect([kind, job.state, ofGateway(job)?.status]).toEqual([kind, 'succeeded', 'pass']);
    expect(ofGateway(job)?.detail).toMatch(/aggregate to a1 at revision 1, projection to p\d at revision 1/);
  }
});

it('NFR-07 a gateway that does not answer is a warning in every plan and "not confirmed" in every proof', async () => {
  await withGateway({ hangs: true }, async () => {
    for (const kind of KINDS) {
      const plan = await replica.preflight(kind, inputs[kind]('silent'));
      expect([kind, answering(plan)?.status, plan.blockers]).toEqual([kind, 'warn', []]);
      expect(answering(plan)?.detail).toMatch(/g1: .*a dead gateway carries no traffic/);
      const job = await replica.carryOut(kind, inputs[kind]('silent'), plan.hash);
      expect([kind, job.state, ofGateway(job)?.status]).toEqual([kind, 'succeeded', 'warn']);
      expect(ofGateway(job)?.detail).toMatch(/^not confirmed: gateway\/g1/);
    }
  });
});

it.each(['a2', 'nowhere'])(
  'NFR-07 TEN-10 a live gateway that sends a new tenant to %s fails its creation, which is undone',
  async (misroutes) => {
    const job = await withGateway({ misroutes }, () => run('tenants.create', `lost-${misroutes}`));
    expect(job).toMatchObject({ state: 'compensated', problem: { code: 'node.timeout' } });
    expect(job.problem?.detail).toContain('gateway/g1 (');
    expect((await run('tenants.create', `lost-${misroutes}`)).state).toBe('succeeded');
  },
);

it('NFR-07 TEN-14 a gateway that lets a paused tenant through fails the pause; one that misroutes fails what opens the tenant', async () => {
  await run('tenants.create', 'open');
  expect((await withGateway({ defies: true }, () => run('tenants.pause', 'open'))).state).toBe('compensated');
  expect((await run('tenants.pause', 'open')).state).toBe('succeeded');
  expect((await withGateway({ misroutes: 'a2' }, () => run('tenants.resume', 'open'))).state).toBe('compensated');
  // Stopping must not depend on where a gateway would send what it holds back.
  expect((await withGateway({ misroutes: 'a2' }, () => run('tenants.archive', 'open'))).state).toBe('succeeded');
});
