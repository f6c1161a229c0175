import { expect, it } from '@jest/globals';
import { z } from 'zod';
import { allOperations, API_PREFIX, mutations, reads } from './index.ts';

const paths = new Map<string, string>([
  ...Object.entries(reads).map(([id, { path }]) => [id, API_PREFIX + path] as const),
  ...Object.entries(mutations).map(([id, { submit }]) => [id, API_PREFIX + submit.path] as const),
]);

it.each([
  ['API-08', '/admin/v1/tenants', ['tenants.create', 'tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore', 'tenants.get', 'tenants.health', 'tenants.update']],
  ['API-11', '/admin/v1/scale/', ['scale.placements.list', 'scale.migrate', 'scale.evacuate', 'scale.drains.list', 'scale.drain']],
  ['API-14', '/admin/v1/audit', ['audit.records.list', 'audit.records.get', 'audit.export']],
] as const)('%s what there is under %s', (_id, prefix, operations) => {
  for (const id of operations) expect([id, paths.get(id)]).toEqual([id, expect.stringMatching(`^${prefix}`)]);
}); // prettier-ignore

it('GEN-29 a tenant is named by tenant_id in every request, and several by tenant_ids', () => {
  const named = allOperations().flatMap(({ id, params, query, body }) =>
    [params, query, body].flatMap((part) =>
      part instanceof z.ZodObject
        ? Object.entries(part.shape as Record<string, z.ZodType>)
            .filter(([name]) => name.includes('tenant'))
            .map(([name, schema]) => [id, name, schema.safeParse(name === 'tenant_ids' ? ['acme'] : 'acme').success])
        : [],
    ),
  );
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter(([, name, fits]) => !fits || !/^tenant_ids?$/.test(String(name)))).toEqual([]);
  const changes = allOperations().filter(({ id }) => /^tenants\.(?!list|create|bulk_)/.test(id));
  expect(changes.filter(({ path }) => !path.startsWith('/tenants/:tenant_id'))).toEqual([]);
});
