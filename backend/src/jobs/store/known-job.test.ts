// Which jobs a replica carries on: every way a definition can differ from the one a job was planned with.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JobDefinition } from '../define/definition.ts';
import { assertDefinition, definitionFor, unknownOf } from './known-job.ts';
import { SHAPE } from '../record/stored-job.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const step = (name: string) => ({ name, title: name, run: async () => name });
const definition = (names: readonly string[], retired: readonly string[], since: number, version: number) =>
  ({ kind: 'tenants.update', steps: names.map(step), retired: retired.map(step), since, version }) as unknown as JobDefinition<unknown>; // prettier-ignore

const waiting = (...signals: readonly object[]) => {
  const steps = signals.map((more, at) => ({
    name: `w${at}`,
    title: 'w',
    signal: { name: 'approval', permission: 'configs.approve', ...more },
  }));
  return { kind: 'tenants.update', steps } as unknown as JobDefinition<unknown>;
};

const scene = fc.record({
  all: fc.shuffledSubarray([...NAMES]),
  cut: fc.nat(NAMES.length),
  versions: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })).map((two) => two.sort()),
  planned: fc.shuffledSubarray([...NAMES]),
  version: fc.integer({ min: 1, max: 5 }),
  shape: fc.constantFrom(1, SHAPE, SHAPE + 1),
});

it('NFR-07 GEN-19 a job is carried on with exactly the steps it was planned with, or not at all', () => {
  fc.assert(
    fc.property(scene, ({ all, cut, versions: [since, version], planned, version: of, shape }) => {
      const has = definition(all.slice(0, cut), all.slice(cut), since!, version!);
      assertDefinition(has);
      const job = { kind: 'tenants.update' as const, shape, version: of, steps: planned.map((name) => ({ name })) };
      const known = shape <= SHAPE && of >= since! && of <= version! && planned.every((name) => all.includes(name));
      expect(unknownOf(job, has) === null).toBe(known);
      expect(unknownOf(job, undefined)).not.toBeNull();
      if (known) expect(definitionFor(job, has).steps.map(({ name }) => name)).toEqual(planned);
      else expect(() => definitionFor(job, has)).toThrow(/does not know/);
    }),
  );
});

it.each([
  ['two steps of one name', definition(['a', 'a'], [], 1, 1)],
  ['a step that is both planned and retired', definition(['a'], ['a'], 1, 1)],
  ['a version that is none', definition(['a'], [], 0, 1)],
  ['versions that end before they begin', definition(['a'], [], 3, 2)],
  ['a version between two', definition(['a'], [], 1, 1.5)],
  ['one signal in two steps', waiting({}, {})],
  ['a signal that the contract cannot name', waiting({ name: 'An Approval' })],
  ['a signal that needs nobody', waiting({ needed: 0 })],
  ['a signal that needs half of somebody', waiting({ needed: 1.5 })],
  ['a signal that needs more people than are counted', waiting({ needed: 1_001 })],
  ['a signal within no time', waiting({ withinMs: NaN })],
])('NFR-07 %s is no definition', (_, wrong) => {
  expect(() => assertDefinition(wrong)).toThrow(/tenants\.update/);
});
