/**
 * Every operation × every role template × every kind of scope, asked in an environment, with the decision the contract declares (API-06).
 * Written from the contract alone, without the code that decides, so that a test can hold the two against each other.
 */
import {
  allOperations, API_PREFIX, ROLE_TEMPLATES,
  type Operation, type Permission, type RoleName, type Scope, type Tier,
} from '@cloudlysis/contract'; // prettier-ignore

export const OWN_TENANT = 'acme';
export const OTHER_TENANT = 'globex';
const ID = '01935c5e-6f00-7a3b-9c1d-2f4e6a8b0c1d';

export interface MatrixRow {
  readonly operation: Operation;
  readonly role: RoleName;
  /** Scope the role is held in. */
  readonly scope: Scope;
  readonly method: string;
  readonly path: string;
  /** Never fits a mutation's schema: an allowed row answers 422 and changes nothing. */
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly allowed: boolean;
}

/**
 * What a whole server is asked; the table alone is asked all of it (authorization-table.test.ts). Where a role lacks the
 * permission no scope makes a difference, and the other tenant is refused in one environment as it is in all.
 */
export const rowsOverHttp = (here: MatrixEnvironment, others: readonly MatrixEnvironment[]): MatrixRow[] =>
  [...authorizationMatrix(here, others)].filter(({ operation, role, scope }) =>
    scope.kind === 'tenant-in-environment' && scope.tenant_id !== OWN_TENANT
      ? false
      : scope.kind === 'global' || declared(operation, role),
  );

export interface MatrixEnvironment {
  readonly id: string;
  readonly tier: Tier;
}

/** Everything is asked in `here`; scopes are held there and in each of `others`. */
export function* authorizationMatrix(
  here: MatrixEnvironment,
  others: readonly MatrixEnvironment[],
): Generator<MatrixRow> {
  const scopes = scopesOver([here, ...others]);
  for (const operation of allOperations())
    for (const role of Object.keys(ROLE_TEMPLATES) as RoleName[])
      for (const scope of scopes)
        yield {
          operation,
          role,
          scope,
          ...request(operation),
          allowed: declared(operation, role) && reaches(operation, scope, here),
        };
}

function scopesOver(environments: readonly MatrixEnvironment[]): Scope[] {
  const tenants = [OWN_TENANT, OTHER_TENANT];
  return [
    { kind: 'global' },
    ...[...new Set(environments.map(({ tier }) => tier))].map((tier): Scope => ({ kind: 'tier', tier })),
    ...environments.map(({ id }): Scope => ({ kind: 'environment', environment: id })),
    ...tenants.map((tenant_id): Scope => ({ kind: 'tenant', tenant_id })),
    ...environments.flatMap(({ id }) =>
      tenants.map((tenant_id): Scope => ({ kind: 'tenant-in-environment', tenant_id, environment: id })),
    ),
  ];
}

/** Every operation without a token: what is not `public` is refused. */
export const anonymousRows = () => allOperations().map((operation) => ({ operation, ...request(operation) }));

function declared({ permission }: Operation, role: RoleName): boolean {
  return (
    permission === 'public' || permission === 'signed-in' || ROLE_TEMPLATES[role].includes(permission as Permission)
  );
}

function reaches({ permission, scope: rule }: Operation, held: Scope, here: MatrixEnvironment): boolean {
  if (permission === 'public' || permission === 'signed-in' || held.kind === 'global') return true;
  if (rule === 'platform') return false;
  const onTenant = (tenantId: string) => rule === 'filtered' || (rule === 'tenant' && tenantId === OWN_TENANT);
  switch (held.kind) {
    case 'tier':
      return held.tier === here.tier;
    case 'environment':
      return held.environment === here.id;
    case 'tenant':
      return onTenant(held.tenant_id);
    case 'tenant-in-environment':
      return held.environment === here.id && onTenant(held.tenant_id);
  }
}

function request(operation: Operation): Pick<MatrixRow, 'method' | 'path' | 'body'> {
  const values: Record<string, string> = {
    tenant_id: OWN_TENANT,
    job_id: `job_${ID}`,
    record_id: `aud_${ID}`,
    shard_id: 'a1',
  };
  const path = operation.path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? 'x');
  const body = operation.mutation ? { tenant_id: OWN_TENANT, not_in_the_contract: true } : null;
  return { method: operation.method, path: API_PREFIX + path, body };
}
