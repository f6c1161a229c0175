// Words, cancels and deaths in any order, over two replicas of one store: what was accepted counts, and nothing else does.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import type { Verdict } from '@cloudlysis/contract';
import fc from 'fast-check';
import { eventually } from '../../../testing/eventually.ts';
import type { Step } from '../define/definition.ts';
import { ADA, asked, kindOf, person, site, type Input } from '../engine/engine.fixture.ts';
import type { JobEngine } from '../index.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';

const SIGNALS = ['first', 'second'] as const;
type Name = (typeof SIGNALS)[number];
const NEEDED: Record<Name, number> = { first: 2, second: 1 };
const PEOPLE = ['bob', 'cyd', 'dan'] as const;

type Act =
  | { readonly do: 'say'; readonly name: Name; readonly who: (typeof PEOPLE)[number]; readonly verdict: Verdict }
  | { readonly do: 'cancel' }
  | { readonly do: 'kill' }
  | { readonly do: 'pause'; readonly ms: number };

const say = (verdict: Verdict) =>
  fc.record({
    do: fc.constant('say' as const),
    name: fc.constantFrom(...SIGNALS),
    who: fc.constantFrom(...PEOPLE),
    verdict: fc.constant(verdict),
  });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: say('proceed') },
  { weight: 1, arbitrary: say('refuse') },
  { weight: 1, arbitrary: fc.constant({ do: 'cancel' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'kill' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
);
const scene = fc.array(fc.record({ act, at: fc.nat(1), together: fc.boolean() }), { minLength: 3, maxLength: 14 });

it(
  'GEN-31 NFR-07 an effect has its words, a refusal that was taken has none, and no word that was taken is lost',
  async () => {
    await fc.assert(
      fc.asyncProperty(scene, async (acts) => {
        await using here = await site();
        const ran: string[] = [];
        const under = new Map<string, number>();
        let most = 0;
        const write = (name: string): Step<Input> => ({
          name,
          title: name,
          run: async ({ jobId, signal }) => {
            const now = (under.get(jobId) ?? 0) + 1;
            under.set(jobId, now);
            most = Math.max(most, now);
            await sleep(20, undefined, { signal }).finally(() => under.set(jobId, under.get(jobId)! - 1));
            ran.push(name);
          },
          compensate: async () => undefined,
        });
        const wait = (name: Name): Step<Input> => ({
          name,
          title: name,
          signal: { name, permission: 'configs.approve', needed: NEEDED[name] },
        });
        const kinds = [kindOf('tenants.update', [wait('first'), write('a'), wait('second'), write('b')])];
        const start = (id: string): Promise<JobEngine> => here.replica(id, kinds, { leaseMs: 1_000 });
        const engines = [await start('r0'), await start('r1')];
        const { _id } = await engines[0]!.submit(asked('tenants.update', 'race'));
        const said = { first: new Set<string>(), second: new Set<string>() };
        const refused = new Set<Name>();
        let cancelled = false;
        let deaths = 0;

        const doIt = async (one: Act, at: number): Promise<void> => {
          const engine = engines[at]!;
          if (one.do === 'pause') return void (await sleep(one.ms));
          if (one.do === 'kill') {
            deaths += 1;
            await engine.stop(10);
            engines[at] = await start(`r${at}`);
            return;
          }
          const { provenance } = asked('tenants.update', 'race');
          const sent =
            one.do === 'cancel'
              ? engine.cancel(_id, ADA.id, 'enough', {
                  code: 'job.cancel_requested',
                  action: 'jobs.cancel',
                  actor: ADA,
                  resource: 'tenant:race',
                  tenantId: 'race',
                  outcome: 'requested',
                  reason: 'enough',
                  jobId: _id,
                  provenance,
                })
              : engine.signal(_id, {
                  name: one.name,
                  verdict: one.verdict,
                  from: person(one.who),
                  reason: 'seen',
                  evidence: null,
                  provenance,
                });
          const taken = await sent.then(() => true, (error: unknown) => {
          // It is over, or the store was busy with another write of this very job for too long.
          expect(['job.state', 'store.unavailable', 'service.stopping']).toContain((error as { code?: string }).code);
          return false;
        }); // prettier-ignore
          if (!taken) return;
          if (one.do === 'cancel') cancelled = true;
          else if (one.verdict === 'refuse') refused.add(one.name);
          else said[one.name].add(one.who);
        };
        let going: Promise<void>[] = [];
        for (const { act: one, at, together } of acts) {
          if (!together) going = (await Promise.all(going), []);
          going.push(doIt(one, at));
        }
        await Promise.all(going);

        const enough = SIGNALS.map((name) => said[name].size >= NEEDED[name]);
        const waitsFor = enough[0] ? (enough[1] ? null : 'second') : 'first';
        const ends = cancelled || refused.has('first') || (refused.has('second') && enough[0]) || waitsFor === null;
        const job = await eventually('it rests', async () => {
        const now: JobDocument = await here.job(_id);
        return (ends ? isFinal(now.state) : now.queue === 'signal' && now.wait?.what === waitsFor) && now;
      }, 20_000); // prettier-ignore
        await Promise.all(engines.map((engine) => engine.stop(500)));
        if (ran.includes('a')) expect([enough[0], refused.has('first')]).toEqual([true, false]);
        if (ran.includes('b')) expect([enough[1], refused.has('second')]).toEqual([true, false]);
        if (ends && !cancelled && refused.size === 0) expect(job.state).toBe('succeeded');
        if (refused.size > 0) expect(job.state).not.toBe('succeeded');
        if (cancelled) expect(['cancelled', 'compensated']).toContain(job.state);
        expect(most).toBeLessThanOrEqual(1);
        expect(ran.length).toBeLessThanOrEqual(2 + deaths);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 5) },
    );
  },
  Number(process.env['RUNS'] ?? 6) * 20_000,
);
