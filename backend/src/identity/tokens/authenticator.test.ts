import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Problem } from '@cloudlysis/contract';
import { exportSPKI, importJWK, SignJWT, type CryptoKey } from 'jose';
import { systemAmbient, type Ambient } from '../../kernel/ambient.ts';
import { createAuthenticator, Revocations, type IdentityConfig } from '../index.ts';
import { startIssuer, testKey, type TestIssuer, type TestKey } from './issuer.fixture.ts';

const BEARER = 'plugin-secret';
let gateway: TestIssuer;
let grafana: TestIssuer;
let idToken: (claims?: Record<string, unknown>) => Promise<string>;

beforeAll(async () => {
  gateway = await startIssuer('gw-1');
  grafana = await startIssuer('id-2026-11-es256', '/api/signing-keys/keys');
  const user = {
    aud: 'org:1',
    type: 'user',
    namespace: 'default',
    username: 'ada',
    email: 'Ada@Example.test',
    role: 'Admin',
    authenticatedBy: 'oauth_generic_oauth',
  };
  idToken = (claims) => grafana.token({ ...user, iss: `${grafana.url}/`, sub: 'user:1', ...claims });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await grafana[Symbol.asyncDispose]();
});

function authenticator(
  config: Partial<IdentityConfig> = {},
  ambient: Ambient = systemAmbient(),
  revocations = new Revocations(ambient),
) {
  const all = {
    MODE: 'production' as const,
    GATEWAY_ISSUER: gateway.url,
    GATEWAY_JWKS_URL: gateway.jwksUrl,
    GATEWAY_AUDIENCE: 'cloudlysis-control',
    GRAFANA_URL: grafana.url,
    GRAFANA_ORG_ID: 1,
    GRAFANA_ROLE_MAP: '',
    PLUGIN_BEARER: BEARER,
    environments: [{ tier: 'dev' as const }],
    ...config,
  };
  return createAuthenticator(all, ambient, revocations);
}
type Authenticate = ReturnType<typeof authenticator>['authenticate'];
const bearer = (token: string, more: Record<string, string> = {}) => ({ authorization: `Bearer ${token}`, ...more });
const codeOf = async (authenticate: Authenticate, headers: Record<string, string>): Promise<string> => {
  try {
    return (await authenticate(headers)).id;
  } catch (error) {
    return error instanceof Problem ? error.code : String(error);
  }
};

const seconds = (ahead: number) => Math.floor(Date.now() / 1000) + ahead;
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('API-15 a Gateway token', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['that is good', () => gateway.token(), 'service:user-1'],
    ['with an e-mail address', () => gateway.token({ email: 'Ada@Example.test' }), 'user:ada@example.test'],
    ['whose subject is an address', () => gateway.token({ sub: 'Bob@Example.test' }), 'user:bob@example.test'],
    ['of another issuer', () => gateway.token({ iss: 'https://evil.test' }), 'token.invalid'],
    ['for another audience', () => gateway.token({ aud: 'cloudlysis-gateway' }), 'token.invalid'],
    ['that has expired', () => gateway.token({ exp: seconds(-60) }), 'token.expired'],
    ['without an end', () => gateway.token({ exp: undefined }), 'token.invalid'],
    ['without a subject', () => gateway.token({ sub: undefined }), 'token.invalid'],
    ['that is not valid yet', () => gateway.token({ nbf: seconds(120) }), 'token.invalid'],
    ['5 s early, as clocks differ', () => gateway.token({ nbf: seconds(5) }), 'service:user-1'],
    ['with an unknown kid', () => gateway.token({}, { header: { kid: 'gw-9' } }), 'token.invalid'],
    ['without a kid', () => gateway.token({}, { header: { kid: undefined } }), 'token.invalid'],
    [
      'signed with another key',
      async () => gateway.token({}, { key: { ...(await testKey('gw-1')) } }),
      'token.invalid',
    ],
    ['that is no JWT', async () => 'abc.def', 'token.invalid'],
    ['that is huge', () => gateway.token({ pad: 'x'.repeat(9_000) }), 'token.invalid'],
    [
      'with a critical extension',
      () => gateway.token({}, { header: { crit: ['x'], x: 1 } }).catch(() => 'a.b.c'),
      'token.invalid',
    ],
  ])('%s', async (_, token, expected) => {
    expect(await codeOf(authenticator().authenticate, bearer(await token()))).toBe(expected);
  });

  it('with alg none, or HS256 keyed with the public key, is refused', async () => {
    const { kid, jwk } = gateway.keys[0]!;
    const payload = { iss: gateway.url, aud: 'cloudlysis-control', sub: 'x', exp: seconds(60) };
    const unsigned = `${base64url({ alg: 'none', kid })}.${base64url(payload)}.`;
    const pem = await exportSPKI((await importJWK(jwk, 'ES256', { extractable: true })) as CryptoKey);
    const confused = await new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.from(pem));
    for (const token of [unsigned, confused])
      expect(await codeOf(authenticator().authenticate, bearer(token))).toBe('token.invalid');
  });

  it.each(['EdDSA', 'RS256'])('may be signed with %s', async (algorithm) => {
    const key = await testKey(`gw-${algorithm}`, algorithm);
    gateway.keys = [gateway.keys[0]!, key];
    expect(await codeOf(authenticator().authenticate, bearer(await gateway.token({}, { key })))).toBe('service:user-1');
  });

  it('of an algorithm outside the list is refused, although its key is published', async () => {
    const key = await testKey('gw-PS256', 'PS256');
    gateway.keys = [gateway.keys[0]!, key];
    expect(await codeOf(authenticator().authenticate, bearer(await gateway.token({}, { key })))).toBe('token.invalid');
  });

  const NOBODY: Record<string, string>[] = [
    {},
    { authorization: 'Basic YTpi' },
    { authorization: 'Bearer' },
    { cookie: 'session=1' },
  ];
  it.each([...NOBODY, { 'x-grafana-user': 'admin' }])('NFR-04 missing: %j is nobody', async (headers) => {
    expect(await codeOf(authenticator().authenticate, headers)).toBe('token.missing');
  });
});

describe('keys', () => {
  const clock = () => {
    let at = 0;
    return { ambient: { ...systemAmbient(), monotonic: () => at }, pass: (ms: number) => (at += ms) };
  };

  it('an unknown kid has the keys fetched once, then not again within the cooldown', async () => {
    const { ambient, pass } = clock();
    const { authenticate } = authenticator({}, ambient);
    await codeOf(authenticate, bearer(await gateway.token()));
    const before = gateway.asked();
    pass(31_000);
    const unknown = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => gateway.token({}, { header: { kid: `made-up-${index}` } })),
    );
    const codes = await Promise.all(unknown.map((token) => codeOf(authenticate, bearer(token))));
    expect(new Set(codes)).toEqual(new Set(['token.invalid']));
    expect(gateway.asked() - before).toBe(1);
  });

  it('a rotated key is picked up, and the one it replaced stops counting', async () => {
    await using rotating = await startIssuer('old');
    const { ambient, pass } = clock();
    const config = { GATEWAY_ISSUER: rotating.url, GATEWAY_JWKS_URL: rotating.jwksUrl };
    const { authenticate } = authenticator(config, ambient);
    const old = rotating.keys[0] as TestKey;
    expect(await codeOf(authenticate, bearer(await rotating.token()))).toBe('service:user-1');
    rotating.keys = [await testKey('new')];
    pass(31_000);
    expect(await codeOf(authenticate, bearer(await rotating.token()))).toBe('service:user-1');
    expect(await codeOf(authenticate, bearer(await rotating.token({ n: 1 }, { key: old })))).toBe('token.invalid');
  });

  it('IAM-23 a token that was verified ends with the key that signed it, once its issuer withdraws that', async () => {
    await using rotating = await startIssuer('old');
    let at = 0;
    const ambient = { ...systemAmbient(), monotonic: () => at, now: () => new Date(Date.now() + at) };
    const config = { GATEWAY_ISSUER: rotating.url, GATEWAY_JWKS_URL: rotating.jwksUrl };
    const { authenticate } = authenticator(config, ambient);
    const headers = bearer(await rotating.token({ exp: seconds(86_400) }));
    expect(await codeOf(authenticate, headers)).toBe('service:user-1');
    rotating.keys = [await testKey('new')];
    at = 2 * 3_600_000;
    expect(await codeOf(authenticate, headers)).toBe('token.invalid');
  });

  it('IAM-23 NFR-07 and so it does where the clock was set back after it was verified', async () => {
    await using rotating = await startIssuer('old');
    let [passed, off] = [0, 0];
    const ambient = { ...systemAmbient(), monotonic: () => passed, now: () => new Date(Date.now() + passed + off) };
    const { authenticate } = authenticator(
      { GATEWAY_ISSUER: rotating.url, GATEWAY_JWKS_URL: rotating.jwksUrl },
      ambient,
    );
    const headers = bearer(await rotating.token({ exp: seconds(86_400) }));
    expect(await codeOf(authenticate, headers)).toBe('service:user-1');
    off = -400 * 86_400_000;
    passed = 2 * 3_600_000;
    expect(await codeOf(authenticate, headers)).toBe('token.invalid');
  });

  it('an issuer that is away leaves known keys in use', async () => {
    await using failing = await startIssuer('k1');
    const { ambient, pass } = clock();
    const config = { GATEWAY_ISSUER: failing.url, GATEWAY_JWKS_URL: failing.jwksUrl };
    const { authenticate } = authenticator(config, ambient);
    await codeOf(authenticate, bearer(await failing.token()));
    failing.status = 500;
    pass(4 * 3_600_000);
    expect(await codeOf(authenticate, bearer(await failing.token({ n: 2 })))).toBe('service:user-1');
  });

  it('development keys are refused in production, and bring a role elsewhere', async () => {
    await using local = await startIssuer('dev-1');
    const config = { GATEWAY_ISSUER: local.url, GATEWAY_JWKS_URL: local.jwksUrl };
    const token = await local.token({ email: 'a@b.test', role: 'operator' });
    expect(await codeOf(authenticator(config).authenticate, bearer(token))).toBe('token.invalid');
    const { granted } = await authenticator({ ...config, MODE: 'development' }).authenticate(bearer(token));
    expect(granted).toEqual([{ principal: 'user:a@b.test', role: 'operator', scope: { kind: 'global' } }]);
    const real = await gateway.token({ email: 'a@b.test', role: 'owner' });
    expect((await authenticator({ MODE: 'development' }).authenticate(bearer(real))).granted).toEqual([]);
  });
});

describe('MIS-06 a Grafana ID token', () => {
  const via = async (token: string, config: Partial<IdentityConfig> = {}) =>
    codeOf(authenticator(config).authenticate, bearer(BEARER, { 'x-grafana-id': token }));

  it.each<[string, Record<string, unknown>, string]>([
    ['of a user', {}, 'user:ada@example.test'],
    ['without e-mail goes by its login, marked as Grafana’s', { email: '' }, 'user:grafana:ada'],
    ['of LDAP', { authenticatedBy: 'ldap' }, 'user:ada@example.test'],
    [
      'with a password of Grafana’s own: users write their own address',
      { authenticatedBy: 'password' },
      'user:grafana:ada',
    ],
    ['that does not say how the user came in', { authenticatedBy: undefined }, 'user:grafana:ada'],
    ['that names a way nobody knows', { authenticatedBy: 'magic' }, 'user:grafana:ada'],
    ['of another organisation', { aud: 'org:2' }, 'token.invalid'],
    ['of another server', { iss: 'https://other.test' }, 'token.invalid'],
    ['of a service account', { type: 'service-account' }, 'token.invalid'],
    ['that has expired', { exp: seconds(-60) }, 'token.expired'],
  ])('%s', async (_, claims, expected) => {
    expect(await via(await idToken(claims))).toBe(expected);
  });

  it('is of the issuer that is set, while its keys come from an address inside', async () => {
    const outside = { GRAFANA_ISSUER: 'https://grafana.example.test/' };
    for (const iss of ['https://grafana.example.test', 'https://grafana.example.test/'])
      expect(await via(await idToken({ iss }), outside)).toBe('user:ada@example.test');
    expect(await via(await idToken(), outside)).toBe('token.invalid');
    expect(await via(await idToken({ iss: 'https://grafana.example.test' }))).toBe('token.invalid');
  });

  it('UI-12 tells whether the issuers’ keys can be read, and how many can be used', async () => {
    const [gw, gf] = authenticator().keySources;
    expect([gw?.id, await gw?.check(), gf?.id, await gf?.check()]).toEqual(['gateway', 1, 'grafana', 1]);
    await expect(authenticator({ GRAFANA_URL: `${grafana.url}/elsewhere` }).keySources[1]?.check()).rejects.toThrow(
      '404',
    );
    expect(authenticator({ GRAFANA_URL: undefined }).keySources[1]?.url).toBeNull();
  });

  it('counts only beside the plugin’s bearer, and the bearer only beside it', async () => {
    const token = await idToken();
    const { authenticate } = authenticator();
    expect(await codeOf(authenticate, { 'x-grafana-id': token })).toBe('token.missing');
    expect(await codeOf(authenticate, bearer('wrong', { 'x-grafana-id': token }))).toBe('token.invalid');
    expect(await codeOf(authenticate, bearer(BEARER))).toBe('token.missing');
    expect(await codeOf(authenticate, bearer(BEARER, { 'x-grafana-user': 'admin' }))).toBe('token.missing');
    expect(await codeOf(authenticate, bearer(token))).toBe('token.invalid');
    expect(await via(await gateway.token())).toBe('token.invalid');
  });

  it('brings a role only where the org role is mapped', async () => {
    const headers = bearer(BEARER, { 'x-grafana-id': await idToken() });
    expect((await authenticator().authenticate(headers)).granted).toEqual([]);
    const mapped = authenticator({ GRAFANA_ROLE_MAP: 'Admin=operator, Viewer=read-only' });
    expect((await mapped.authenticate(headers)).granted).toMatchObject([{ role: 'operator' }]);
    expect(() => authenticator({ GRAFANA_ROLE_MAP: 'Admin=root' })).toThrow('Admin=root');
    for (const twice of ['Admin=owner,Admin=read-only', 'Admin=owner=read-only'])
      expect(() => authenticator({ GRAFANA_ROLE_MAP: twice })).toThrow('Admin');
  });
});

describe('verified tokens', () => {
  it('end at their expiry, by the clock of the service', async () => {
    let ahead = 0;
    const ambient = { ...systemAmbient(), now: () => new Date(Date.now() + ahead) };
    const { authenticate } = authenticator({}, ambient);
    const headers = bearer(await gateway.token({ exp: seconds(60) }));
    const first = authenticate(headers);
    expect(first).toBeInstanceOf(Promise);
    await first;
    expect(authenticate(headers)).not.toBeInstanceOf(Promise);
    ahead = 75_000;
    expect(await codeOf(authenticate, headers)).toBe('token.expired');
  });

  it('IAM-23 end when their token or session is revoked, of either kind, seen or not', async () => {
    const revocations = new Revocations(systemAmbient());
    const { authenticate } = authenticator({}, systemAmbient(), revocations);
    const ofGateway = async (jti: unknown) => bearer(await gateway.token({ jti, sid: 's1' }));
    const ofGrafana = async (jti: unknown) => bearer(BEARER, { 'x-grafana-id': await idToken({ jti, sid: 's1' }) });
    for (const [kind, id] of [
      [ofGateway, 'service:user-1'],
      [ofGrafana, 'user:ada@example.test'],
    ] as const) {
      const [seen, unseen] = [await kind('t1'), await kind('t2')];
      expect(await codeOf(authenticate, seen)).toBe(id);
      revocations.revoke('s1');
      expect(await codeOf(authenticate, seen)).toBe('token.invalid');
      expect(await codeOf(authenticate, unseen)).toBe('token.invalid');
      revocations.takeBack('s1');
      expect(await codeOf(authenticate, seen)).toBe(id);
      revocations.revoke('t1');
      expect(await codeOf(authenticate, seen)).toBe('token.invalid');
      expect(await codeOf(authenticate, unseen)).toBe(id);
      revocations.takeBack('t1');
    }
  });

  it('NFR-03 tell when a second factor was shown', async () => {
    const { authenticate } = authenticator();
    const at = seconds(-30);
    const cases = [
      [{ auth_time: at, amr: ['pwd', 'otp'] }, new Date(at * 1000)],
      [{ auth_time: at, amr: ['pwd'] }, null],
      [{ auth_time: at }, null],
      [{ amr: ['mfa'] }, null],
    ] as const;
    for (const [claims, expected] of cases)
      expect((await authenticate(bearer(await gateway.token(claims)))).steppedUpAt).toEqual(expected);
  });
});

describe('IAM-32 ENV-88 a token of an environment’s own Gateway', () => {
  const own = (issuer: TestIssuer) => ({ issuer: issuer.url, jwksUrl: issuer.jwksUrl, audience: undefined });

  it('has effect there, one of the common Gateway everywhere, and neither is taken for the other', async () => {
    await using dev = await startIssuer('gw-dev');
    await using prod = await startIssuer('gw-prod');
    const { authenticate, keySources } = authenticator({
      environments: [
        { id: 'dev', tier: 'dev', gateway: own(dev) },
        { id: 'prod', tier: 'prod', gateway: own(prod) },
        { id: 'eu', tier: 'prod', gateway: null },
      ],
    });
    const environmentOf = async (token: string) => (await authenticate(bearer(token))).environment;
    expect(await environmentOf(await dev.token())).toBe('dev');
    expect(await environmentOf(await prod.token())).toBe('prod');
    expect(await environmentOf(await gateway.token())).toBeNull();
    // Whatever a token says of itself, the keys of the one that it names decide.
    const forged: [string, () => Promise<string>][] = [
      ['signed in dev, said to be of prod', () => dev.token({ iss: prod.url })],
      ['signed in dev, said to be of the common one', () => dev.token({ iss: gateway.url })],
      ['of dev, by the name of a key of prod', () => dev.token({ iss: prod.url }, { header: { kid: 'gw-prod' } })],
      ['of nobody', () => dev.token({ iss: undefined })],
      ['of a list', () => dev.token({ iss: [dev.url, prod.url] })],
      ['of an environment without a Gateway', () => dev.token({ iss: 'eu' })],
      ['of no JWT', async () => 'a.b.c'],
      ['of a word', async () => 'word'],
    ];
    for (const [what, token] of forged)
      expect([what, await codeOf(authenticate, bearer(await token()))]).toEqual([what, 'token.invalid']);
    // As long as the tier lets it: seven days in dev, one in prod, and everywhere as in the strictest.
    const days = (n: number) => ({ iat: seconds(-5), exp: seconds(-5 + n * 86_400) });
    const lives = async (issuer: TestIssuer, n: number) => codeOf(authenticate, bearer(await issuer.token(days(n))));
    expect(await Promise.all([lives(dev, 7), lives(dev, 8), lives(prod, 1), lives(prod, 2), lives(gateway, 2)])).toEqual([
      'service:user-1', 'token.invalid', 'service:user-1', 'token.invalid', 'token.invalid',
    ]); // prettier-ignore
    expect(keySources.map(({ id, environment }) => [id, environment])).toEqual([
      ['gateway', null], ['gateway', 'dev'], ['gateway', 'prod'], ['grafana', null],
    ]); // prettier-ignore
  });

  it('one issuer that is an environment’s and everybody’s is refused at the start', () => {
    const environments = [{ id: 'dev', tier: 'dev' as const, gateway: own(gateway) }];
    expect(() => authenticator({ environments })).toThrow('GATEWAY_ISSUER is the issuer of dev, too');
  });
});
