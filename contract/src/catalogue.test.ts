import { expect, it } from '@jest/globals';
import { API_PREFIX, mutations, reads } from './index.ts';

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
