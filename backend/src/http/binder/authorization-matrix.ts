/**
 * Every operation × every role template × every kind of scope, with the decision the contract declares (API-06).
 * Written from the contract alone, without the code that decides, so that a test can hold the two against each other.
 */
import {
  allOperations, API_PREFIX, ROLE_TEMPLATES,
  type Operation, type Permission, type RoleName, type Scope,
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

/** `environment` is the one the service under test runs in. */
export function* authorizationMatrix(environment: 'dev' | 'staging' | 'prod'): Generator<MatrixRow> {
  const elsewhere = environment === 'prod' ? 'staging' : 'prod';
  const scopes: readonly Scope[] = [
    { kind: 'global' },
    { kind: 'environment', environment },
    { kind: 'environment', environment: elsewhere },
    { kind: 'tenant', tenant_id: OWN_TENANT },
    { kind: 'tenant', tenant_id: OTHER_TENANT },
  ];
  for (const operation of allOperations())
    for (const role of Object.keys(ROLE_TEMPLATES) as RoleName[])
      for (const scope of scopes)
        yield {
          operation,
          role,
          scope,
          ...request(operation),
          allowed: declared(operation, role) && reaches(operation, scope, elsewhere),
        };
}

/** Every operation without a token: what is not `public` is refused. */
export const anonymousRows = () => allOperations().map((operation) => ({ operation, ...request(operation) }));

function declared({ permission }: Operation, role: RoleName): boolean {
  return (
    permission === 'public' || permission === 'signed-in' || ROLE_TEMPLATES[role].includes(permission as Permission)
  );
}

function reaches({ permission, scope: rule }: Operation, held: Scope, elsewhere: string): boolean {
  if (permission === 'public' || permission === 'signed-in' || held.kind === 'global') return true;
  if (held.kind === 'environment') return held.environment !== elsewhere;
  return rule === 'filtered' || (rule === 'tenant' && held.tenant_id === OWN_TENANT);
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
