// Whatever a job does, it does in the environment that its input names: a property over every part of a definition.
import { expect, it } from '@jest/globals';
import { mutations, type MutationId } from '@cloudlysis/contract';
import fc from 'fast-check';
import type { ChildJob, JobContext, JobDefinition, Step } from '../jobs/index.ts';
import { boundaryOf } from './boundary.ts';
import { jobsAcross, livesInOne } from './jobs-across.ts';

type Input = { readonly environment?: string; readonly tenant_id: string };

const IDS = ['dev', 'staging', 'prod'];
const boundaries = new Map(IDS.map((id) => [id, boundaryOf(id, 'dev', IDS)]));

/** A definition that tells every call of it; with every part that a definition can have. */
function toldOf(environment: string, told: string[]): JobDefinition<Input> {
  const tell = (what: string) => void told.push(`${environment}: ${what}`);
  const child: ChildJob = { kind: 'tenants.pause', input: { tenant_id: 'acme' }, key: 'one' };
  const steps: Step<Input>[] = [
    {
      name: 'do', title: 'Do', intent: async () => tell('intent'), run: async () => tell('run'), compensate: async () => tell('compensate'),
    },
    { name: 'wait', title: 'Wait', until: () => (tell('until'), new Date(0)) },
    { name: 'children', title: 'Children', children: () => (tell('children'), { jobs: [child], atOnce: 1 }), joined: async () => tell('joined') },
  ]; // prettier-ignore
  return {
    kind: 'tenants.bulk_pause',
    risk: 'high',
    permission: 'tenants.pause',
    lane: ({ tenant_id }) => `tenant:${tenant_id}`,
    tenantId: ({ tenant_id }) => tenant_id,
    resource: ({ tenant_id }) => `tenant:${tenant_id}`,
    plan: async () => (tell('plan'), { checks: [], diff: [], blastRadius: [], rollback: '' }),
    steps,
    retired: steps,
    verify: async () => (tell('verify'), { checks: [], facts: {} }),
    commit: async () => tell('commit'),
    undo: () => (tell('undo'), { operation: 'tenants.resume', params: {}, body: { reason: 'undo' } }),
    undoPart: () => (tell('undoPart'), { operation: 'tenants.bulk_resume', params: {}, body: { reason: 'undo' } }),
    remainder: async (input) => (tell('remainder'), { input, left: [], done: [], changedSince: [] }),
  };
}

it('GEN-29 nothing that a job does reaches another environment than its input names; of none, the home', async () => {
  await fc.assert(
    fc.asyncProperty(fc.option(fc.constantFrom(...IDS), { nil: undefined }), async (environment) => {
      const told: string[] = [];
      const all = jobsAcross(new Map(IDS.map((id) => [id, toldOf(id, told)])), boundaries, 'dev');
      const input: Input = { tenant_id: 'acme', ...(environment === undefined ? {} : { environment }) };
      const here = environment ?? 'dev';
      const context = { input } as JobContext<Input>;
      await all.plan(input, { principal: null, jobId: null });
      for (const step of [...all.steps, ...all.retired!]) {
        const parts = step as unknown as Record<string, (given: unknown) => unknown>;
        for (const part of ['intent', 'run', 'compensate', 'until', 'joined'])
          if (parts[part]) await parts[part](context);
        if ('children' in step)
          for (const one of step.children(context as never).jobs)
            expect(one.input).toEqual({ tenant_id: 'acme', environment: here });
      }
      await all.verify(context);
      await all.commit!(context, null as never);
      const undo = all.undo!(input, null as never)!;
      const part = all.undoPart!([input], 'job')!;
      expect([undo.body, part.body]).toEqual(Array(2).fill({ reason: 'undo', environment: here }));
      expect((await all.remainder!(input, [])).input).toEqual({ tenant_id: 'acme', environment: here });
      expect(all.environment!(input)).toBe(here);
      expect(all.lane(input)).toBe(here === 'dev' ? 'tenant:acme' : `${here}/tenant:acme`);
      expect(told.length).toBeGreaterThan(15);
      expect(new Set(told.map((line) => line.split(':')[0]))).toEqual(new Set([here]));
    }),
    { numRuns: 20 },
  );
});

it('GEN-29 a job of an environment that is not configured any more fails by name, and touches none', async () => {
  const told: string[] = [];
  const all = jobsAcross(new Map(IDS.map((id) => [id, toldOf(id, told)])), boundaries, 'dev');
  const input = { tenant_id: 'acme', environment: 'gone' };
  const unknown = { code: 'environment.unknown' };
  await expect(async () => all.plan(input, { principal: null, jobId: null })).rejects.toMatchObject(unknown);
  for (const step of all.steps)
    if ('run' in step) await expect(async () => step.run({ input } as never)).rejects.toMatchObject(unknown);
  await expect(async () => all.verify({ input } as never)).rejects.toMatchObject(unknown);
  expect(told).toEqual([]);
});

it('GEN-29 every change to a tenant’s life, a placement, a shard or a drain names its environment', () => {
  const global = (Object.keys(mutations) as MutationId[]).filter((kind) => !livesInOne(kind));
  expect(global.sort()).toEqual(['jobs.cancel', 'jobs.retry', 'jobs.signal', 'notes.put', 'notes.remove']);
});
