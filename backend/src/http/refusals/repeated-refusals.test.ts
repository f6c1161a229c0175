import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { systemAmbient, type Ambient } from '../../kernel/ambient.ts';
import type { AuditDraft } from '../../audit/record/audit-log.ts';
import { LONGEST_MS, OF_ALL, OF_ONE, RepeatedRefusals, WINDOW_MS } from './repeated-refusals.ts';

const draftOf = (who: string, tenant: string): AuditDraft => ({
  code: 'request.refused', action: 'tenants.get', actor: who, resource: `tenant:${tenant}`, tenantId: tenant,
  outcome: 'refused', problem: 'permission.missing', after: { detail: 'No' },
}); // prettier-ignore

/** A clock that the test moves, with its timers. */
function world() {
  let ms = 0;
  const start = Date.now();
  const timers = new Set<{ at: number; run: () => void }>();
  const ambient: Ambient = {
    ...systemAmbient(),
    monotonic: () => ms,
    now: () => new Date(start + ms),
    after: (delay: number, run: () => void) => {
      const timer = { at: ms + delay, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const written: AuditDraft[] = [];
  const append = async (draft: AuditDraft): Promise<void> => void written.push(draft);
  const repeated = new RepeatedRefusals(ambient, append);
  const refuse = (who: string, tenant: string): void => {
    const draft = draftOf(who, tenant);
    if (!repeated.isCounted(who, [tenant], draft)) written.push(draft);
  };
  const pass = (by: number): void => {
    for (const end = ms + by; ;) {
      const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) return void (ms = end);
      timers.delete(next);
      ms = Math.max(ms, next.at);
      next.run();
    }
  };
  const total = (): number => written.reduce((sum, { repeated }) => sum + (repeated?.count ?? 1), 0);
  return { refuse, pass, written, repeated, total, now: () => new Date(start + ms) };
}

it('AUD-01 a window grows fourfold up to 15 minutes while they go on, and is small again after silence', async () => {
  const { refuse, pass, written, repeated, total } = world();
  // A drawer left open: one every 10 s for a day.
  for (let n = 0; n < 8_640; n++) {
    refuse('user:a', 'acme');
    pass(10_000);
  }
  await repeated.flush();
  expect(written.length).toBeLessThan(105);
  expect(total()).toBe(8_640);
  const counts = written.flatMap(({ repeated }) => repeated?.count ?? []);
  expect(counts.slice(0, 4)).toEqual([...counts.slice(0, 4)].sort((a, b) => a - b));
  expect(counts[5]).toBeGreaterThanOrEqual(LONGEST_MS / 10_000 - 1);
  pass(3 * LONGEST_MS);
  const before = written.length;
  refuse('user:a', 'acme');
  expect(written.length).toBe(before + 1);
  refuse('user:a', 'acme');
  pass(WINDOW_MS);
  expect(written.at(-1)!.repeated).toMatchObject({ count: 1 });
});

it('AUD-01 a scan over tenants shows each, to a bound that nobody else’s refusals feel', async () => {
  const { refuse, written, repeated, total } = world();
  for (let n = 0; n < 500; n++) refuse('user:scan', `t${n}`);
  expect(written).toHaveLength(OF_ONE + 1);
  refuse('user:b', 'acme');
  expect(written.at(-1)).toMatchObject({ actor: 'user:b', tenantId: 'acme' });
  await repeated.flush();
  expect(written.at(-1)).toMatchObject({ actor: 'user:scan', resource: 'operation:several', tenantId: null, repeated: { count: 299 } }); // prettier-ignore
  expect(total()).toBe(501);
});

it('AUD-01 more callers than are told apart are counted together, and forgotten when they are silent', async () => {
  const { refuse, pass, written, repeated, total } = world();
  for (let n = 0; n < OF_ALL + 500; n++) refuse(`user:${n}`, 'acme');
  expect(written).toHaveLength(OF_ALL + 1);
  await repeated.flush();
  expect(written.at(-1)).toMatchObject({ actor: 'system:refusals', tenantId: 'acme', repeated: { count: 499 } });
  pass(2 * LONGEST_MS);
  refuse('user:new', 'acme');
  expect(written.at(-1)).toMatchObject({ actor: 'user:new' });
  expect(total()).toBe(OF_ALL + 501);
});

it('AUD-01 whatever is refused and whenever, every one is told exactly once, within its times', async () => {
  const deed = fc.oneof(
    { weight: 4, arbitrary: fc.record({ who: fc.constantFrom('a', 'b', 'c'), tenant: fc.constantFrom('x', 'y') }) },
    { weight: 1, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 2 * LONGEST_MS }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 200 }), async (deeds) => {
      const { refuse, pass, written, repeated, total, now } = world();
      let refused = 0;
      for (const one of deeds) {
        if ('pass' in one) pass(one.pass);
        else {
          refused += 1;
          refuse(one.who, one.tenant);
        }
      }
      await repeated.flush();
      await repeated.flush();
      expect(total()).toBe(refused);
      for (const { repeated } of written)
        if (repeated) expect(repeated.first <= repeated.last && repeated.last <= now()).toBe(true);
    }),
  );
});
