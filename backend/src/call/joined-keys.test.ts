// Keys that stay joined: their parts are DNS labels and fixed words, so no two lists of parts make one key.
import { expect, it } from '@jest/globals';
import { ServiceKind, ShardId, TenantId } from '@cloudlysis/contract';
import fc from 'fast-check';
import * as dataplane from '../../../dataplane/src/platform/names.ts';
import { placementKey as nodePlacementKey } from '../../../dataplane/src/platform/placement.ts';
import { placementKeyOf } from '../placement/record/stored-placement.ts';
import { consumerName, placementKey } from '../ports/nats/port/names.ts';
import { laneOf } from '../tenants/jobs/preflight-checks.ts';

/** Labels made of what could be taken for a separator or another part, as far as the contract lets it in. */
const label = fc
  .string({
    unit: fc.constantFrom('a', '-', '1', 'runner', 'projection', 'aggregate', '.', ':', '/', '_', ' ', '*', '>'),
    minLength: 1,
    maxLength: 6,
  })
  .filter((text) => TenantId.safeParse(text).success && ShardId.safeParse(text).success);
const kind = fc.constantFrom(...ServiceKind.options);
const consumer = fc.constantFrom('projection' as const, 'runner' as const);

const JOINS: Readonly<Record<string, fc.Arbitrary<readonly [parts: readonly string[], key: string]>>> = {
  'placement key': fc.tuple(kind, label).map(([a, b]) => [[a, b], placementKey(a, b)]),
  'placement key of a plan': fc.tuple(kind, label).map(([a, b]) => [[a, b], placementKeyOf(a, b)]),
  'placement key of a node': fc.tuple(kind, label).map(([a, b]) => [[a, b], nodePlacementKey(a, b)]),
  'consumer name': fc.tuple(consumer, label).map(([a, b]) => [[a, b], consumerName(a, b)]),
  'consumer name of a node': fc.tuple(consumer, label).map(([a, b]) => [[a, b], dataplane.consumerName(a, b)]),
  'subject of commands': fc.tuple(label, label).map(([a, b]) => [[a, b], dataplane.subjects.commands(a, b)]),
  'subject of queries': fc.tuple(label, label).map(([a, b]) => [[a, b], dataplane.subjects.queries(a, b)]),
  'lane': fc.tuple(fc.constantFrom('tenant', 'shard'), label).map(([a, b]) => [[a, b], a === 'tenant' ? laneOf(b) : `shard:${b}`]),
}; // prettier-ignore

it.each(Object.keys(JOINS))('API-05 %s: different parts make different keys', (name) => {
  const join = JOINS[name]!;
  fc.assert(
    fc.property(join, join, ([parts, key], [others, other]) => {
      expect(key === other).toBe(JSON.stringify(parts) === JSON.stringify(others));
    }),
    { numRuns: 500 },
  );
});
