// Every operation × every role × every scope × every environment, of a token of any environment, against the contract.
import { expect, it } from '@jest/globals';
import type { RoleName, Scope } from '@cloudlysis/contract';
import type { Principal } from '../../call/principal.ts';
import { askedScope, askedScopeOfJob, PermissionTable } from '../../identity/index.ts';
import { authorizationMatrix, OWN_TENANT, type MatrixEnvironment } from './authorization-matrix.ts';

const ENVIRONMENTS: readonly MatrixEnvironment[] = [
  { id: 'dev', tier: 'dev' },
  { id: 'preview', tier: 'dev' },
  { id: 'staging', tier: 'staging' },
  { id: 'eu', tier: 'prod' },
  { id: 'us', tier: 'prod' },
];
const ID = 'user:ada@x.test';
const caller = (environment: string | null): Principal => ({
  id: ID, kind: 'user', email: 'ada@x.test', via: 'gateway', onBehalfOf: null, environment, steppedUpAt: null, granted: [],
}); // prettier-ignore

const isOpen = (permission: string): boolean => permission === 'public' || permission === 'signed-in';

/** Tables are few, rows are not. */
const tables = new Map<string, PermissionTable>();
function tableOf(role: RoleName, scope: Scope): PermissionTable {
  const key = `${role} ${JSON.stringify(scope)}`;
  const table = tables.get(key) ?? new PermissionTable(ENVIRONMENTS, [assignment(role, scope)]);
  tables.set(key, table);
  return table;
}
const assignment = (role: RoleName, scope: Scope) => ({ principal: ID, role, scope });

it.each(ENVIRONMENTS)('API-06 IAM-29 IAM-30 IAM-31 IAM-32 CON-02 CON-09 every operation in environment $id is decided as the contract declares', (here) => {
  const wrong: unknown[] = [];
  let rows = 0;
  for (const row of authorizationMatrix(here, ENVIRONMENTS.filter((one) => one !== here))) {
    const { operation, role, scope } = row;
    const table = tableOf(role, scope);
    const asked = askedScope(operation, { environment: here.id, tenantId: OWN_TENANT });
    for (const bound of [null, ...ENVIRONMENTS.map(({ id }) => id)]) {
      rows += 1;
      const hasEffect = bound === null || isOpen(operation.permission) || (operation.scope !== 'platform' && bound === here.id);
      const { allowed } = table.can(caller(bound), operation.permission, asked);
      if (allowed !== (row.allowed && hasEffect)) wrong.push([operation.id, role, scope, bound, allowed]);
    }
  }
  expect(wrong).toEqual([]);
  expect(rows).toBeGreaterThan(10_000);
}); // prettier-ignore

it('NFR-01 what is about no one environment is asked for globally, and what lies in one never is asked for elsewhere', () => {
  const about = (environment: string | null, tenantId: string | null = null) => ({ environment, tenantId });
  const asked = (scope: 'platform' | 'environment' | 'tenant' | 'filtered') =>
    [about('dev'), about('dev', 'acme'), about(null), about(null, 'acme')].map((where) => askedScope({ scope }, where));
  expect(asked('platform')).toEqual(['platform', 'platform', 'platform', 'platform']);
  expect(asked('environment')).toEqual([{ environment: 'dev' }, { environment: 'dev' }, 'platform', 'platform']);
  expect(asked('tenant')).toEqual(
    [{ environment: 'dev' }, { environment: 'dev', tenantId: 'acme' }, 'platform', { tenantId: 'acme' }], // prettier-ignore
  );
  expect(asked('filtered')).toEqual([{ within: 'dev' }, { within: 'dev' }, 'any', 'any']);
  for (const kind of ['scale.drain', 'tenants.bulk_pause', 'of.an.earlier.version', 'toString', '__proto__'])
    expect([askedScopeOfJob(kind, about('dev')), askedScopeOfJob(kind, about('dev', 'acme'))]).toEqual([
      { environment: 'dev' },
      { environment: 'dev', tenantId: 'acme' },
    ]);
});
