import { expect, it } from '@jest/globals';
import { PERMISSIONS, ROLE_TEMPLATES } from './index.ts';

it.each([
  ['IAM-33', 'iam.users.', ['create', 'update', 'suspend', 'delete']],
  ['IAM-34', 'iam.sessions.', ['list', 'revoke']],
  ['IAM-35', 'iam.roles.', ['create', 'update', 'assign']],
  ['IAM-36', 'tenants.', ['create', 'update', 'archive']],
  ['IAM-37', 'configs.', ['read', 'write', 'approve', 'apply']],
  ['IAM-38', 'definitions.', ['read', 'write', 'validate', 'promote', 'rollback']],
  ['IAM-39', 'scale.', ['view', 'apply', 'migrate', 'drain']],
  ['IAM-40', 'ops.', ['deploy', 'rollback', 'restart', 'drain']],
  ['IAM-41', 'observability.', ['view', 'manage']],
  ['IAM-42', 'audit.', ['view', 'export']],
])('%s what may be given of %s', (_id, domain, actions) => {
  expect(PERMISSIONS).toEqual(expect.arrayContaining(actions.map((action) => domain + action)));
});

it('IAM-43 there are seven role templates, and each holds less than the owner', () => {
  const names = ['admin', 'break-glass', 'operator', 'owner', 'read-only', 'security-admin', 'support'];
  expect(Object.keys(ROLE_TEMPLATES).sort()).toEqual(names);
  expect(ROLE_TEMPLATES.owner).toEqual(PERMISSIONS);
  for (const name of names.filter((one) => one !== 'owner') as (keyof typeof ROLE_TEMPLATES)[]) {
    expect(PERMISSIONS).toEqual(expect.arrayContaining([...ROLE_TEMPLATES[name]]));
    expect(ROLE_TEMPLATES[name].length).toBeLessThan(PERMISSIONS.length);
  }
});
