// Who a good token is about: what each claim decides, and what it does not.
import { describe, expect, it } from '@jest/globals';
import { Problem, type Assignment } from '@cloudlysis/contract';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createAuthenticator, PermissionTable, type IdentityConfig } from '../index.ts';
import { startIssuer, type TestIssuer } from './issuer.fixture.ts';

const BEARER = 'plugin-secret';
const DAY = 86_400;
const now = (): number => Math.floor(Date.now() / 1000);

function authenticator(issuer: TestIssuer, more: Partial<IdentityConfig> = {}) {
  const grafana = { GRAFANA_URL: issuer.url, GRAFANA_ORG_ID: 1, GRAFANA_ROLE_MAP: 'Admin=owner,Viewer=read-only' };
  const gateway = { GATEWAY_ISSUER: issuer.url, GATEWAY_JWKS_URL: issuer.jwksUrl, GATEWAY_AUDIENCE: 'cloudlysis-control' }; // prettier-ignore
  const common = { MODE: 'production' as const, PLUGIN_BEARER: BEARER, environments: [{ tier: 'dev' as const }] };
  return createAuthenticator({ ...common, ...gateway, ...grafana, ...more }, systemAmbient());
}
type Authenticator = ReturnType<typeof authenticator>;

const user = {
  aud: 'org:1',
  sub: 'user:1',
  type: 'user',
  username: 'Bob',
  role: 'Viewer',
  email: 'bob@x.test',
  authenticatedBy: 'oauth_okta',
};
const gatewayOf = async (it: Authenticator, issuer: TestIssuer, claims: Record<string, unknown>) =>
  it.authenticate({ authorization: `Bearer ${await issuer.token(claims)}` });
const grafanaOf = async (it: Authenticator, issuer: TestIssuer, claims: Record<string, unknown>) =>
  it.authenticate({ authorization: `Bearer ${BEARER}`, 'x-grafana-id': await issuer.token({ ...user, ...claims }) });
const idOf = (work: Promise<{ id: string }>): Promise<string> =>
  work.then(({ id }) => id, (error: unknown) => (error instanceof Problem ? error.code : String(error))); // prettier-ignore

/** One server signs as both, the worst case for keeping the two kinds apart. */
const issuerOfBoth = () => startIssuer('k-1', '/api/signing-keys/keys');

describe('API-15 ENV-88 a token lives no longer than its tier allows', () => {
  it.each([
    ['dev', ['dev'], 7],
    ['staging', ['staging'], 2],
    ['prod', ['prod'], 1],
    ['several, as long as in the strictest of them', ['dev', 'prod', 'staging'], 1],
  ] as const)('in %s', async (_, tiers, days) => {
    await using issuer = await issuerOfBoth();
    const it = authenticator(issuer, {
      environments: tiers.map((tier) => ({ tier })),
      GATEWAY_JWKS_URL: issuer.jwksUrl,
    });
    const lives = (seconds: number) => ({ iat: now() - 5, exp: now() - 5 + seconds });
    expect(await idOf(gatewayOf(it, issuer, lives(days * DAY)))).toBe('service:user-1');
    expect(await idOf(gatewayOf(it, issuer, lives(days * DAY + 1)))).toBe('token.invalid');
    expect(await idOf(grafanaOf(it, issuer, lives(days * DAY)))).toBe('user:bob@x.test');
    expect(await idOf(grafanaOf(it, issuer, lives(days * DAY + 1)))).toBe('token.invalid');
  });
});

describe('MIS-06 IAM-29 who a token is about', () => {
  it('a checked address is one person through both; an unchecked one is nobody’s', async () => {
    await using issuer = await issuerOfBoth();
    const it = authenticator(issuer);
    const gateway = (claims: Record<string, unknown>) => idOf(gatewayOf(it, issuer, claims));
    const grafana = (claims: Record<string, unknown>) => idOf(grafanaOf(it, issuer, claims));
    expect(await gateway({ email: 'Bob@x.test' })).toBe('user:bob@x.test');
    expect(await gateway({ email: 'bob@x.test', email_verified: true })).toBe('user:bob@x.test');
    expect(await gateway({ email: 'bob@x.test', email_verified: false })).toBe('user:gateway:user-1');
    expect(await gateway({ sub: 'bob@x.test', email_verified: false })).toBe('user:gateway:bob@x.test');
    expect(await grafana({})).toBe('user:bob@x.test');
    expect(await grafana({ email_verified: true })).toBe('user:bob@x.test');
    expect(await grafana({ email_verified: false })).toBe('user:grafana:bob');
    expect(await grafana({ authenticatedBy: 'password' })).toBe('user:grafana:bob');
    expect(await grafana({ email: 'bo\u212a@x.test' })).not.toBe(await grafana({ email: 'bok@x.test' }));
  });

  it('a subject of the Gateway is never a login of Grafana, whatever it is', async () => {
    await using issuer = await issuerOfBoth();
    const it = authenticator(issuer);
    const held: Assignment[] = ['grafana:bob', 'user:grafana:eve'].map((principal) => ({
      principal,
      role: 'owner',
      scope: { kind: 'global' },
    }));
    const table = new PermissionTable([{ id: 'dev', tier: 'dev' }], held);
    const may = async (work: ReturnType<typeof gatewayOf>) =>
      table.can(await work, 'scale.migrate', 'platform').allowed;
    const login = (username: string) => grafanaOf(it, issuer, { username, email: '', role: 'None' });
    expect([await may(login('bob')), await may(login('Eve')), await may(login('mallory'))]).toEqual([
      true,
      true,
      false,
    ]);
    for (const sub of [
      'grafana:bob',
      'user:grafana:bob',
      'user:grafana:eve',
      'bob',
      'eve',
      'GRAFANA:BOB',
      'grafana%3Abob',
    ])
      expect([sub, await may(gatewayOf(it, issuer, { sub }))]).toEqual([sub, false]);
    for (const username of ['grafana:bob', 'user:grafana:bob', 'bo\u212a', 'ｂob'])
      expect([username, await may(login(username))]).toEqual([username, false]);
  });

  it('logins with blanks and letters of any script are served; blanks around one, and control characters, are not', async () => {
    await using issuer = await issuerOfBoth();
    const it = authenticator(issuer);
    const login = (username: unknown) => idOf(grafanaOf(it, issuer, { username, email: '' }));
    expect(await login('Ada Lovelace')).toBe('user:grafana:ada%20lovelace');
    expect(await login('Ådå')).toBe('user:grafana:Ådå');
    expect(await login('阿达')).toBe('user:grafana:阿达');
    for (const odd of ['', ' ', ' ada', 'ada\n', 'a\u0000b', 'a\u0007', 'x'.repeat(300), '阿\u00a0'.repeat(120), 7, null])
      expect([odd, await login(odd)]).toEqual([odd, 'token.invalid']);
  }); // prettier-ignore

  it('a namespace is that of the organisation, a role is one word, and a factor was shown before the token was made', async () => {
    await using issuer = await issuerOfBoth();
    const second = { aud: 'org:2', namespace: 'org-2' };
    const it = authenticator(issuer, { GRAFANA_ORG_ID: 2 });
    expect(await idOf(grafanaOf(it, issuer, second))).toBe('user:bob@x.test');
    for (const namespace of ['default', 'org-1', 'org-22', 'stacks-2', 'ORG-2'])
      expect(await idOf(grafanaOf(it, issuer, { ...second, namespace }))).toBe('token.invalid');
    const first = authenticator(issuer);
    expect((await grafanaOf(first, issuer, { role: 'Admin' })).granted).toMatchObject([{ role: 'owner' }]);
    for (const role of ['admin', 'Admin,Viewer', '', 'constructor'])
      expect((await grafanaOf(first, issuer, { role })).granted).toEqual([]);
    for (const at of [now() + 3_600, -1])
      expect((await gatewayOf(first, issuer, { auth_time: at, amr: ['otp'] })).steppedUpAt).toBeNull();
  });
});
