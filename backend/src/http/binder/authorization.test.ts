import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ROLE_TEMPLATES, type RoleName } from '@cloudlysis/contract';
import { anonymousRows, rowsOverHttp, type MatrixRow } from './authorization-matrix.ts';
import { startTestApi, type TestApi } from '../test-api.fixture.ts';

const rows = rowsOverHttp({ id: 'dev', tier: 'dev' }, [{ id: 'prod', tier: 'prod' }]);
const principalOf = ({ role, scope }: Pick<MatrixRow, 'role' | 'scope'>) =>
  `${role}.${Object.values(scope).join('.')}@example.test`;

let api: TestApi;
beforeAll(async () => {
  const holders = new Map(rows.map((row) => [principalOf(row), row]));
  const assignments = [...holders].map(([principal, { role, scope }]) => ({ principal, role, scope }));
  api = await startTestApi({ assignments });
});
afterAll(async () => void (await api[Symbol.asyncDispose]()));

async function decision(row: Pick<MatrixRow, 'method' | 'path' | 'body'>, token?: string) {
  const response = await api.fetch(row.path, {
    method: row.method,
    headers: { 'idempotency-key': 'matrix', ...(row.body ? { 'content-type': 'application/json' } : {}) },
    ...(row.body ? { body: JSON.stringify(row.body) } : {}),
    ...(token ? { token } : {}),
  });
  const text = await response.text();
  const code = response.headers.get('content-type')?.includes('problem')
    ? (JSON.parse(text) as { code: string }).code
    : null;
  return { status: response.status, code };
}

describe('GEN-11 API-06 NFR-01 every operation is decided as the contract declares', () => {
  it.each(Object.keys(ROLE_TEMPLATES) as RoleName[])('for %s, in every kind of scope', async (role) => {
    const tokens = new Map<string, string>();
    const wrong: unknown[] = [];
    for (const row of rows.filter((row) => row.role === role)) {
      const email = principalOf(row);
      const token = tokens.get(email) ?? (await api.token(undefined, { email }));
      tokens.set(email, token);
      const { status, code } = await decision(row, token);
      const expected = row.allowed
        ? row.body
          ? code === 'request.invalid'
          : status === 200
        : code === 'permission.missing';
      if (!expected) wrong.push({ operation: row.operation.id, scope: row.scope, allowed: row.allowed, status, code });
    }
    expect(wrong).toEqual([]);
  });

  it('without a token nothing that is not public is let in', async () => {
    for (const row of anonymousRows()) {
      if (row.operation.permission === 'public') continue;
      expect(await decision(row)).toEqual({ status: 401, code: 'token.missing' });
    }
  });

  it('NFR-08 /me tells the same abilities the server decides by', async () => {
    for (const role of Object.keys(ROLE_TEMPLATES) as RoleName[]) {
      const email = `${role}.global@example.test`;
      const me = await api.client(await api.token(undefined, { email })).read('identity.me');
      const declared = rows.filter((row) => row.role === role && row.scope.kind === 'global');
      for (const { operation, allowed } of declared) expect(me.abilities[operation.id]!.allowed).toBe(allowed);
      expect(me.assignments).toEqual([{ role, scope: { kind: 'global' } }]);
    }
    const nobody = await api.client(await api.token(undefined, { email: 'nobody@example.test' })).read('identity.me');
    expect(nobody.abilities['scale.migrate']).toEqual({
      allowed: false,
      reason: 'scale.migrate is missing in every scope of environment dev',
    });
    expect(nobody.abilities['scale.evacuate']?.reason).toBe('scale.migrate is missing in environment dev');
    expect(nobody.abilities['audit.verify']?.reason).toBe('audit.view is missing globally');
  });

  it('who lacks the permission is not told what is wrong with the body', async () => {
    const token = await api.token(undefined, { email: 'support.tenant.acme@example.test' });
    for (const body of ['{"tenant_id":', '{"tenant_id":["acme"]}', '{}', '[]', 'null']) {
      const init = { method: 'POST', body, token, headers: { 'content-type': 'application/json' } };
      const response = await api.fetch('/admin/v1/scale/migrations/preflight', init);
      expect(await response.json()).toMatchObject({ status: 403, code: 'permission.missing' });
    }
  });
});
