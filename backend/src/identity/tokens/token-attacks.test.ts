// Forged, bent and stale tokens of both kinds against the running API: none is let in, each is told 401 with a stable code.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, type KeyObject } from 'node:crypto';
import { request } from 'node:http';
import { exportSPKI, importJWK, type CryptoKey } from 'jose';
import { PLUGIN_BEARER, startTestApi, type TestApi } from '../../http/test-api.fixture.ts';
import {
  encoded, jsonOf, malleated, privateKeyOf, Raw, respelled, signed, signedWithSecret, type Members,
} from './forged-token.fixture.ts'; // prettier-ignore
import { startIssuer, testKey, type TestIssuer } from './issuer.fixture.ts';

type Kind = 'gateway' | 'grafana';
const KINDS: readonly Kind[] = ['gateway', 'grafana'];
const DAY = 86_400;
let api: TestApi;
let grafana: TestIssuer;
let other: KeyObject;
let spki: string;
const keys = {} as Record<Kind, KeyObject>;

beforeAll(async () => {
  grafana = await startIssuer('id-2026-11-es256', '/api/signing-keys/keys');
  const GRAFANA_ROLE_MAP = 'Admin=owner,Viewer=read-only';
  api = await startTestApi({ identity: { GRAFANA_URL: grafana.url, GRAFANA_ROLE_MAP } });
  keys.gateway = await privateKeyOf(api.issuer.keys[0]!);
  keys.grafana = await privateKeyOf(grafana.keys[0]!);
  other = await privateKeyOf(await testKey('dev-1'));
  spki = await exportSPKI((await importJWK(api.issuer.keys[0]!.jwk, 'ES256', { extractable: true })) as CryptoKey);
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await grafana?.[Symbol.asyncDispose]();
});

const now = (): number => Math.floor(Date.now() / 1000);
const issuerOf = (kind: Kind): TestIssuer => (kind === 'gateway' ? api.issuer : grafana);
const header = (kind: Kind, more: Members = {}): Members => ({
  alg: 'ES256',
  kid: issuerOf(kind).keys[0]!.kid,
  ...more,
});
const claims = (kind: Kind, more: Members = {}): Members => ({
  iss: issuerOf(kind).url,
  iat: now(),
  exp: now() + 600,
  ...(kind === 'gateway'
    ? { aud: 'cloudlysis-control', sub: 'svc-1', role: 'owner' }
    : { aud: 'org:1', sub: 'user:1', type: 'user', username: 'ada', role: 'Admin', namespace: 'default' }),
  ...more,
});
const token = (kind: Kind, claim: Members = {}, head: Members = {}): string =>
  signed(jsonOf(header(kind, head)), jsonOf(claims(kind, claim)), keys[kind]);

type Sent = Readonly<Record<string, string | string[]>>;
const carried = (kind: Kind, text: string): Sent =>
  kind === 'gateway'
    ? { authorization: `Bearer ${text}` }
    : { authorization: `Bearer ${PLUGIN_BEARER}`, 'x-grafana-id': text };

async function asked(headers: Sent): Promise<{ status: number; code: string | null; id: string | null }> {
  const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request(`${api.url}/admin/v1/me`, { headers, signal: AbortSignal.timeout(10_000) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject).end();
  });
  const body = JSON.parse(answer.text) as { code?: string; principal?: { id: string } };
  return { status: answer.status, code: body.code ?? null, id: body.principal?.id ?? null };
}

/** What one kind of token is tried with; each is told `token.invalid` unless it says another code. */
const FORMS: readonly [string, (kind: Kind) => string, string?][] = [
  ['alg none', (kind) => `${encoded(jsonOf(header(kind, { alg: 'none' })))}.${encoded(jsonOf(claims(kind)))}.`],
  ['alg none with a signature', (kind) => token(kind, {}, { alg: 'none' })],
  ['alg NoNe', (kind) => token(kind, {}, { alg: 'NoNe' })],
  ['alg HS256 keyed with the public key', (kind) => signedWithSecret(jsonOf(header(kind, { alg: 'HS256' })), jsonOf(claims(kind)), spki)],
  ['alg HS256 keyed with nothing', (kind) => signedWithSecret(jsonOf(header(kind, { alg: 'HS256' })), jsonOf(claims(kind)), '')],
  ['alg HS256 keyed with the kid', (kind) => signedWithSecret(jsonOf(header(kind, { alg: 'HS256' })), jsonOf(claims(kind)), issuerOf(kind).keys[0]!.kid)],
  ['alg ES256 over an HMAC', (kind) => signedWithSecret(jsonOf(header(kind)), jsonOf(claims(kind)), spki)],
  ['alg RS256 over ES256', (kind) => token(kind, {}, { alg: 'RS256' })],
  ['alg ES384', (kind) => token(kind, {}, { alg: 'ES384' })],
  ['alg EdDSA', (kind) => token(kind, {}, { alg: 'EdDSA' })],
  ['alg es256', (kind) => token(kind, {}, { alg: 'es256' })],
  ['alg a list', (kind) => token(kind, {}, { alg: ['ES256'] })],
  ['alg missing', (kind) => token(kind, {}, { alg: undefined })],
  ['alg null', (kind) => token(kind, {}, { alg: null })],
  ['another key under the same kid', (kind) => signed(jsonOf(header(kind)), jsonOf(claims(kind)), other)],
  ['kid missing', (kind) => token(kind, {}, { kid: undefined })],
  ['kid empty', (kind) => token(kind, {}, { kid: '' })],
  ['kid a path', (kind) => token(kind, {}, { kid: '../../../../dev/null' })],
  ['kid SQL', (kind) => token(kind, {}, { kid: "x' UNION SELECT 'key' --" })],
  ['kid a query operator', (kind) => token(kind, {}, { kid: { $ne: '' } })],
  ['kid a list', (kind) => token(kind, {}, { kid: [issuerOf(kind).keys[0]!.kid] })],
  ['kid a number', (kind) => token(kind, {}, { kid: 0 })],
  ['kid __proto__', (kind) => token(kind, {}, { kid: '__proto__' })],
  ['kid constructor', (kind) => token(kind, {}, { kid: 'constructor' })],
  ['kid with a blank after it', (kind) => token(kind, {}, { kid: `${issuerOf(kind).keys[0]!.kid} ` })],
  ['kid very long', (kind) => token(kind, {}, { kid: 'k'.repeat(4_000) })],
  ['kid a URL', (kind) => token(kind, {}, { kid: 'https://evil.test/key' })],
  ['kid given twice', (kind) => signed(`{"alg":"ES256","kid":"x","kid":${JSON.stringify(issuerOf(kind).keys[0]!.kid)}}`, jsonOf(claims(kind)), keys[kind])],
  ['kid given twice, once escaped', (kind) => signed(`{"alg":"ES256","k\\u0069d":"x","kid":${JSON.stringify(issuerOf(kind).keys[0]!.kid)}}`, jsonOf(claims(kind)), keys[kind])],
  ['jku', (kind) => token(kind, {}, { jku: 'https://evil.test/jwks.json' })],
  ['x5u', (kind) => token(kind, {}, { x5u: 'https://evil.test/cert.pem' })],
  ['x5c', (kind) => token(kind, {}, { x5c: ['MIIB'] })],
  ['jwk that verifies', (kind) => signed(jsonOf(header(kind, { jwk: api.issuer.keys[0]!.jwk })), jsonOf(claims(kind)), other)],
  ['jwk beside a good signature', (kind) => token(kind, {}, { jwk: api.issuer.keys[0]!.jwk })],
  ['crit', (kind) => token(kind, {}, { crit: ['exp'] })],
  ['crit empty', (kind) => token(kind, {}, { crit: [] })],
  ['b64 false', (kind) => token(kind, {}, { b64: false, crit: ['b64'] })],
  ['zip', (kind) => token(kind, {}, { zip: 'DEF' })],
  ['cty JWT: one token inside another', (kind) => signed(jsonOf(header(kind, { cty: 'JWT' })), token(kind), keys[kind])],
  ['typ of another kind', (kind) => token(kind, {}, { typ: 'dpop+jwt' })],
  ['typ a number', (kind) => token(kind, {}, { typ: 1 })],
  ['iss missing', (kind) => token(kind, { iss: undefined })],
  ['iss a list', (kind) => token(kind, { iss: [issuerOf(kind).url] })],
  ['iss with something after it', (kind) => token(kind, { iss: `${issuerOf(kind).url}.evil.test` })],
  ['iss cut short', (kind) => token(kind, { iss: issuerOf(kind).url.slice(0, -1) })],
  ['iss in capitals', (kind) => token(kind, { iss: issuerOf(kind).url.toUpperCase() })],
  ['iss with a path', (kind) => token(kind, { iss: `${issuerOf(kind).url}/realm` })],
  ['iss with a blank', (kind) => token(kind, { iss: ` ${issuerOf(kind).url}` })],
  ['iss of the other kind', (kind) => token(kind, { iss: issuerOf(kind === 'gateway' ? 'grafana' : 'gateway').url })],
  ['aud missing', (kind) => token(kind, { aud: undefined })],
  ['aud empty', (kind) => token(kind, { aud: '' })],
  ['aud an empty list', (kind) => token(kind, { aud: [] })],
  ['aud another', (kind) => token(kind, { aud: 'org:2' })],
  ['aud a list in a list', (kind) => token(kind, { aud: [[claims(kind)['aud']]] })],
  ['aud a list with a number', (kind) => token(kind, { aud: [claims(kind)['aud'], 1] })],
  ['aud an object', (kind) => token(kind, { aud: { 0: claims(kind)['aud'] } })],
  ['aud in capitals', (kind) => token(kind, { aud: String(claims(kind)['aud']).toUpperCase() })],
  ['aud with more behind it', (kind) => token(kind, { aud: `${String(claims(kind)['aud'])} x` })],
  ['exp missing', (kind) => token(kind, { exp: undefined })],
  ['exp over', (kind) => token(kind, { iat: now() - 700, exp: now() - 60 }), 'token.expired'],
  ['exp a string', (kind) => token(kind, { exp: String(now() + 600) })],
  ['exp 1e999', (kind) => token(kind, { exp: new Raw('1e999') })],
  ['exp -1e999', (kind) => token(kind, { exp: new Raw('-1e999') }), 'token.expired'],
  ['exp huge', (kind) => token(kind, { exp: new Raw('9'.repeat(300)) })],
  ['exp in milliseconds', (kind) => token(kind, { exp: (now() + 600) * 1000 })],
  ['exp a list', (kind) => token(kind, { exp: [now() + 600] })],
  ['exp null', (kind) => token(kind, { exp: null })],
  ['exp true', (kind) => token(kind, { exp: true })],
  ['exp in 8 days', (kind) => token(kind, { exp: now() + 8 * DAY })],
  ['exp in 100 years', (kind) => token(kind, { exp: now() + 36_500 * DAY })],
  ['exp before iat', (kind) => token(kind, { iat: now() + 5, exp: now() + 1 })],
  ['iat missing', (kind) => token(kind, { iat: undefined })],
  ['iat in the future', (kind) => token(kind, { iat: now() + 120, exp: now() + 600 })],
  ['iat in milliseconds', (kind) => token(kind, { iat: now() * 1000, exp: (now() + 600) * 1000 })],
  ['iat a string', (kind) => token(kind, { iat: String(now()) })],
  ['iat null', (kind) => token(kind, { iat: null })],
  ['iat 0', (kind) => token(kind, { iat: 0 })],
  ['iat -1e999', (kind) => token(kind, { iat: new Raw('-1e999') })],
  ['nbf in the future', (kind) => token(kind, { nbf: now() + 120 })],
  ['nbf a string', (kind) => token(kind, { nbf: String(now()) })],
  ['nbf 1e999', (kind) => token(kind, { nbf: new Raw('1e999') })],
  ['nbf -1e999', (kind) => token(kind, { nbf: new Raw('-1e999') })],
  ['sub missing', (kind) => token(kind, { sub: undefined })],
  ['sub empty', (kind) => token(kind, { sub: '' })],
  ['sub a list', (kind) => token(kind, { sub: ['svc-1'] })],
  ['sub a number', (kind) => token(kind, { sub: 1 })],
  ['sub an object', (kind) => token(kind, { sub: { $ne: null } })],
  ['sub with a line end', (kind) => token(kind, { sub: 'user:1\nx' })],
  ['sub with U+0000', (kind) => token(kind, { sub: 'svc\u0000' })],
  ['sub very long', (kind) => token(kind, { sub: `user:${'x'.repeat(300)}` })],
  ['sub given twice', (kind) => signed(jsonOf(header(kind)), jsonOf(claims(kind)).replace('{', '{"sub":"user:2",'), keys[kind])],
  ['exp given twice', (kind) => signed(jsonOf(header(kind)), jsonOf(claims(kind)).replace('{', '{"exp":1,'), keys[kind])],
  ['a member twice deep inside', (kind) => token(kind, { act: new Raw('{"sub":"a","sub":"b"}') })],
  ['jti a number', (kind) => token(kind, { jti: 7 })],
  ['jti a list', (kind) => token(kind, { jti: ['t1'] })],
  ['sid an object', (kind) => token(kind, { sid: {} })],
  ['sid very long', (kind) => token(kind, { sid: 's'.repeat(1_000) })],
  ...['', 'a b', ' a', 'a\n', 'a\u0000', '*', '>', 'a.*', '.', '.a', 'a.', 'a..b', 'a:b', 'a+b', 'é', 'a\ud800'].flatMap((id): [string, (kind: Kind) => string][] => [
    [`jti ${JSON.stringify(id)}, which no key of the revocations can be`, (kind) => token(kind, { jti: id })],
    [`sid ${JSON.stringify(id)}, which no key of the revocations can be`, (kind) => token(kind, { sid: id })],
  ]),
  ['email a list', (kind) => token(kind, { email: ['ada@example.test'] })],
  ['email_verified a word', (kind) => token(kind, { email_verified: 'true' })],
  ['claims a list', (kind) => signed(jsonOf(header(kind)), `[${jsonOf(claims(kind))}]`, keys[kind])],
  ['claims null', (kind) => signed(jsonOf(header(kind)), 'null', keys[kind])],
  ['claims not JSON', (kind) => signed(jsonOf(header(kind)), `${jsonOf(claims(kind))}x`, keys[kind])],
  ['claims behind a byte order mark', (kind) => signed(jsonOf(header(kind)), `\ufeff${jsonOf(claims(kind))}`, keys[kind])],
  ['header a list', (kind) => signed(`[${jsonOf(header(kind))}]`, jsonOf(claims(kind)), keys[kind])],
  ['header not JSON', (kind) => signed('{', jsonOf(claims(kind)), keys[kind])],
  ['huge', (kind) => token(kind, { pad: 'x'.repeat(9_000) })],
  ['signature missing', (kind) => token(kind).replace(/[^.]*$/, '')],
  ['signature of zeros', (kind) => token(kind).replace(/[^.]*$/, encoded('\0'.repeat(64)))],
  ['signature cut short', (kind) => token(kind).slice(0, -8)],
  ['signature with more behind it', (kind) => `${token(kind)}AAAA`],
  ['signature as DER', (kind) => signed(jsonOf(header(kind)), jsonOf(claims(kind)), keys[kind], 'der')],
  ['signature with padding', (kind) => `${token(kind)}==`],
  ['signature with spare bits set', (kind) => respelled(token(kind))!],
  ['signature of another token', (kind) => `${token(kind, { sub: 'user:2' }).replace(/[^.]*$/, '')}${token(kind).split('.')[2]!}`],
  ['header cut off', (kind) => token(kind).replace(/^[^.]*\./, '')],
  ['only dots', () => '..'],
  ['four parts', (kind) => `${token(kind)}.x`],
  ['five parts, as of an encrypted token', (kind) => `${token(kind)}.x.y`],
  ['JSON serialisation', (kind) => JSON.stringify({ payload: token(kind).split('.')[1], signatures: [] }).replaceAll(' ', '')],
  ['base64 with + and /', (kind) => `${encoded(jsonOf(header(kind)))}.${Buffer.from(jsonOf(claims(kind, { x: '???>>>' }))).toString('base64').replaceAll('=', '')}.${token(kind).split('.')[2]!}+/`],
  ['an API key', () => 'glsa_0123456789abcdef0123456789abcdef_01234567'],
  ['a digest of itself', (kind) => createHash('sha256').update(token(kind)).digest('base64url')],
]; // prettier-ignore

const GATEWAY_ONLY: readonly [string, () => Sent, string?][] = [
  ['no credential at all', () => ({}), 'token.missing'],
  ['an empty Authorization', () => ({ authorization: '' }), 'token.missing'],
  ['Bearer and nothing', () => ({ authorization: 'Bearer ' }), 'token.missing'],
  ['Basic', () => ({ authorization: 'Basic YTpi' }), 'token.missing'],
  ['the token without Bearer', () => ({ authorization: token('gateway') }), 'token.missing'],
  ['two tokens in one header', () => ({ authorization: `Bearer ${token('gateway')} ${token('gateway')}` }), 'token.missing'],
  ['two tokens with a comma', () => ({ authorization: `Bearer ${token('gateway')}, Bearer ${token('gateway')}` }), 'token.missing'],
  ['letters beyond ASCII', () => ({ authorization: `Bearer ${token('gateway')}\u00e9` }), 'token.missing'],
  ['a token in a cookie', () => ({ cookie: `token=${token('gateway')}` }), 'token.missing'],
  ['X-Grafana-User alone', () => ({ 'x-grafana-user': 'admin' }), 'token.missing'],
  ['a Gateway token as X-Grafana-Id alone', () => ({ 'x-grafana-id': token('gateway') }), 'token.missing'],
  ['a Grafana token as a bearer', () => ({ authorization: `Bearer ${token('grafana')}` })],
  ['a Gateway token as X-Grafana-Id', () => carried('grafana', token('gateway'))],
  ['the plugin’s bearer alone', () => ({ authorization: `Bearer ${PLUGIN_BEARER}` }), 'token.missing'],
  ['the plugin’s bearer and an unsigned user', () => ({ authorization: `Bearer ${PLUGIN_BEARER}`, 'x-grafana-user': 'admin', 'x-grafana-context': '{"user":"admin"}' }), 'token.missing'],
  ['the plugin’s bearer and an empty token', () => carried('grafana', ''), 'token.missing'],
  ['a wrong bearer and a good Grafana token', () => ({ authorization: 'Bearer wrong', 'x-grafana-id': token('grafana') })],
  ['a Gateway token for the gateway', () => carried('gateway', token('gateway', { aud: 'cloudlysis-gateway' }))],
]; // prettier-ignore

const GRAFANA_ONLY: readonly [string, Members, Members?][] = [
  ['of a service account', { type: 'service-account', sub: 'service-account:1' }],
  ['of a service account that says it is a user', { sub: 'service-account:1' }],
  ['of an API key', { type: 'api-key', sub: 'api-key:1' }],
  ['of nobody', { type: 'anonymous', sub: 'anonymous:0' }],
  ['whose sub is a bare number', { sub: '1' }],
  ['whose sub is user: and nothing', { sub: 'user:' }],
  ['without a type', { type: undefined }],
  ['whose type is a list', { type: ['user'] }],
  ['without a login', { username: undefined }],
  ['whose login is a list', { username: ['ada'] }],
  ['whose role is a list', { role: ['Admin'] }],
  ['whose role is a number', { role: 1 }],
  ['whose role is an object', { role: { Admin: true } }],
  ['of another organisation’s namespace', { namespace: 'org-2' }],
  ['whose namespace is a list', { namespace: ['default'] }],
  ['whose namespace is empty', { namespace: '' }],
  ['for two organisations', { aud: ['org:1', 'org:2'] }],
  ['that is an access token', {}, { typ: 'at+jwt' }],
];

describe('API-15 MIS-06 no forged, bent or stale token is let in', () => {
  it('while good ones of both kinds are, in all the forms that issuers make', async () => {
    const good: [Sent, string][] = [
      [carried('gateway', token('gateway')), 'service:'],
      [carried('gateway', token('gateway', { aud: ['x', 'cloudlysis-control'] }, { typ: 'at+jwt', x5t: 'abc' })), 'service:'],
      [carried('gateway', token('gateway', { exp: now() + 7 * DAY, nbf: now() })), 'service:'],
      [carried('gateway', token('gateway', { iat: now() + 5, exp: now() + 600.5 })), 'service:'],
      [carried('grafana', token('grafana')), 'user:grafana:ada'],
      [carried('grafana', token('grafana', { aud: ['org:1'], namespace: undefined }, { typ: 'jwt' })), 'user:grafana:ada'],
      [carried('grafana', token('grafana', { namespace: 'stacks-123', sub: 'user:u000000001' })), 'user:grafana:ada'],
    ]; // prettier-ignore
    for (const [headers, id] of good) {
      const answer = await asked(headers);
      expect([answer.status, answer.id?.startsWith(id)]).toEqual([200, true]);
    }
  });

  it.each(KINDS)('%s: 120 forms', async (kind) => {
    expect(FORMS.length).toBeGreaterThanOrEqual(120);
    const wrong: unknown[] = [];
    for (const [name, make, code = 'token.invalid'] of FORMS) {
      const answer = await asked(carried(kind, make(kind)));
      if (answer.status !== 401 || answer.code !== code) wrong.push([name, answer]);
    }
    expect(wrong).toEqual([]);
  });

  it('where and how a token is sent', async () => {
    const wrong: unknown[] = [];
    for (const [name, make, code = 'token.invalid'] of GATEWAY_ONLY) {
      const answer = await asked(make());
      if (answer.status !== 401 || answer.code !== code) wrong.push([name, answer]);
    }
    expect(wrong).toEqual([]);
    for (const name of ['authorization', 'x-grafana-id']) {
      const twice = { ...carried('grafana', token('grafana')), [name]: [`Bearer ${token('gateway')}`, `Bearer ${token('gateway')}`] };
      expect(await asked(twice)).toMatchObject({ status: 400, code: 'request.malformed' });
    } // prettier-ignore
  });

  it('a Grafana token of somebody or something that has no way in', async () => {
    const wrong: unknown[] = [];
    for (const [name, claim, head] of GRAFANA_ONLY) {
      const answer = await asked(carried('grafana', token('grafana', claim, head)));
      if (answer.status !== 401 || answer.code !== 'token.invalid') wrong.push([name, answer]);
    }
    expect(wrong).toEqual([]);
  });

  it('the other signature of the same token is the same token: revoking it ends both', async () => {
    const good = token('gateway', { jti: 'twin', sid: 's-twin' });
    const twin = malleated(good);
    expect(twin).not.toBe(good);
    expect((await asked(carried('gateway', good))).status).toBe(200);
    expect((await asked(carried('gateway', twin))).status).toBe(200);
    api.revocations.revoke('twin');
    for (const one of [good, twin]) expect((await asked(carried('gateway', one))).code).toBe('token.invalid');
  });
});
