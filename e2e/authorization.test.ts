// Every operation × every role template × every kind of scope, asked of the running service and held against the contract.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ROLE_TEMPLATES, type RoleName, type Scope } from '@cloudlysis/contract';
import {
  anonymousRows,
  authorizationMatrix,
  OWN_TENANT,
  type MatrixRow,
} from '../backend/src/http/authorization-matrix.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';

const rows = [...authorizationMatrix('dev')];
const AT_ONCE = 16;
const emailOf = ({ role, scope }: { role: RoleName; scope: Scope }): string =>
  `${role}.${Object.values(scope).join('.')}@b.test`;

let stack: Stack;
const tokens = new Map<string, string>();
beforeAll(async () => {
  const holders = new Map(rows.map((row) => [emailOf(row), row]));
  const assignments = [...holders].map(([principal, { role, scope }]) => ({ principal, role, scope }));
  stack = await startStack({ tenants: [OWN_TENANT], assignments });
  for (const email of holders.keys()) tokens.set(email, await stack.token({ email }));
});
afterAll(() => stack?.stop());

async function decision(row: Pick<MatrixRow, 'method' | 'path' | 'body'>, token?: string) {
  const response = await fetch(stack.url() + row.path, {
    method: row.method,
    headers: {
      'idempotency-key': 'matrix',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(row.body ? { 'content-type': 'application/json' } : {}),
    },
    ...(row.body ? { body: JSON.stringify(row.body) } : {}),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.includes('problem');
  return { status: response.status, code: isProblem ? (JSON.parse(text) as { code: string }).code : null };
}

/** Allowed reads answer, or say that there is no such thing; allowed changes get as far as the body, which never fits. */
function asDeclared(row: MatrixRow, { status, code }: { status: number; code: string | null }): boolean {
  if (!row.allowed) return status === 403 && code === 'permission.missing';
  return row.body ? code === 'request.invalid' : status === 200 || status === 404;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe('API-06 NFR-01 the running service decides as the contract declares', () => {
  it.each(Object.keys(ROLE_TEMPLATES) as RoleName[])(
    'IAM-29 IAM-30 IAM-31 IAM-32 IAM-43 %s, in every kind of scope',
    async (role) => {
      const wrong: unknown[] = [];
      const mine = rows.filter((row) => row.role === role);
      expect(mine.length).toBeGreaterThan(100);
      await inParallel(mine, async (row) => {
        const answer = await decision(row, tokens.get(emailOf(row)));
        if (!asDeclared(row, answer))
          wrong.push({ id: row.operation.id, scope: row.scope, allowed: row.allowed, ...answer });
      });
      expect(wrong).toEqual([]);
    },
  );

  it('nobody without a token, with a foreign one or with an unknown role is let in', async () => {
    const stranger = await stack.token({ email: 'stranger@b.test' });
    const forged = `${stranger.slice(0, -8)}AAAAAAAA`;
    for (const row of anonymousRows()) {
      if (row.operation.permission === 'public') continue;
      expect(await decision(row)).toMatchObject({ status: 401, code: 'token.missing' });
      expect(await decision(row, forged)).toMatchObject({ status: 401, code: 'token.invalid' });
      if (row.operation.permission !== 'signed-in')
        expect(await decision(row, stranger)).toMatchObject({ status: 403, code: 'permission.missing' });
    }
  });

  it('NFR-08 what /me says is what the server does, and every refusal is in the audit log', async () => {
    const support = stack.client(tokens.get('support.global@b.test')!);
    const { abilities } = await support.read('identity.me');
    for (const row of rows.filter(({ role, scope }) => role === 'support' && scope.kind === 'global'))
      expect([row.operation.id, abilities[row.operation.id]!.allowed]).toEqual([row.operation.id, row.allowed]);
    const query = { actor: 'user:support.global@b.test', outcome: 'refused' as const, limit: 200 };
    const { items } = await stack.as('owner').read('audit.records.list', { query });
    const denied = rows.filter((row) => row.role === 'support' && row.scope.kind === 'global' && !row.allowed);
    expect(items).toHaveLength(denied.length);
    expect(new Set(items.map((item) => item.action))).toEqual(new Set(denied.map((row) => row.operation.id)));
  });
});
