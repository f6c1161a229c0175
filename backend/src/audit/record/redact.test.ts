import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Reason } from '@cloudlysis/contract';
import { changesOf } from '../../kernel/changes.ts';
import { image, MAX_IMAGE_BYTES, text } from './redact.ts';

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJvcHMifQ.c2lnbmF0dXJl';

describe('SEC-01 secret values never enter the log', () => {
  it.each([
    'password', 'new_password', 'passwd', 'clientSecret', 'client_secret', 'access_token', 'Authorization', 'cookie',
    'set-cookie', 'apiKey', 'api_key', 'privateKey', 'signing_key', 'key_material', 'credentials', 'totp', 'session_id',
  ])('by key: %s', (key) => {
    const json = image({ deep: [{ [key]: 'hunter2' }], [key]: { inner: 'hunter2' }, n: { [key]: 42_424_242 } })!;
    expect(json).not.toMatch(/hunter2|42424242/);
    expect(json).toContain('[redacted]');
  }); // prettier-ignore

  it.each([
    `see ${JWT}`,
    'Bearer c2VjcmV0c2VjcmV0',
    '-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END EC PRIVATE KEY-----',
    'mongodb://root:c2VjcmV0c2VjcmV0@db:27017',
    'https://x.test/hook?token=c2VjcmV0c2VjcmV0&a=1',
  ])('by look: %s', (value) => {
    for (const json of [image({ note: value }), image([value]), text(value, 500)]) {
      expect(json).not.toMatch(/c2VjcmV0|eyJzdWI/);
    }
  });

  it('keeps what is no secret', () => {
    const shown = {
      has_password: true,
      secret_ref: 'secret://tenants/acme/db',
      token: null,
      keys: 3,
      idempotency_key: 'k1',
      tenant_id: 'acme',
    };
    expect(JSON.parse(image(shown)!)).toEqual(shown);
  });

  const KEY = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,20}(token|secret|pin|cookie|password)?$/);
  const ID = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,10}(token|secret|session-id|cookie)?[a-z0-9-]{0,5}$/);

  it('AUD-01 a quota is a limit whatever it limits, and a tenant may be called anything: as lines of a diff and as maps', () => {
    fc.assert(
      fc.property(ID, KEY, fc.double({ noNaN: true, min: 0, max: 1e15 }), (id, key, limit) => {
        const metadata = { quotas: { tokens_per_day: 1_000, [key]: limit + 0 }, feature_flags: { [key]: true } };
        const shown = [
          ...changesOf(`tenants.${id}.metadata`, { quotas: {}, feature_flags: {} }, metadata),
          ...changesOf(`tenants.${id}`, { metadata: null, paused: false }, { metadata, paused: 'by hand' }),
          { path: `placement.runner.${id}.shard_id`, after: 'r1' },
          { path: `config.tenants.${id}.paused`, after: false },
          { path: `consumers.projection-${id}`, after: 'EVENTS' },
          { path: `shards.${id}.region`, after: 'eu' },
        ].map(({ path, after }) => [path, after] as const);
        const lines = Object.fromEntries(shown);
        expect(JSON.parse(image({ ...lines, metadata })!)).toEqual({ ...lines, metadata });
      }),
    );
  });

  it.each([
    ['tenants.acme.metadata.billing.pin', '4711x'],
    ['tenants.acme.metadata.billing."a.pin"', '4711x'],
    ['tenants.acme.metadata.billing."api/token"', '4711x'],
    ['tenants.acme.metadata.billing.token', 4_711],
    ['tenants.acme.metadata.quotas.token', '4711x'],
    ['tenants.acme', { billing: { 'tenants.password': '4711x' }, quotas: { token: { of: 4_711 } } }],
  ])('SEC-01 a secret is one wherever its name stands in a path: %s', (path, value) => {
    expect(image({ [path]: value })).not.toContain('4711');
  });

  it('no property of any value under a secret key is seen', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 6, maxLength: 30, unit: 'grapheme-ascii' }),
        fc.jsonValue(),
        (secret, around) => {
          fc.pre(!JSON.stringify(around).includes(secret) && !'[redacted]{"password":,around}'.includes(secret));
          expect(image({ around, password: [secret] })).not.toContain(secret);
        },
      ),
    );
  });
});

it('AUD-01 a reason that the contract lets in is kept whole, whatever its characters take', () => {
  const reasons = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 500, size: 'max' }),
    fc.constantFrom('\ud83d\ude00'.repeat(500), `x${'\ud83d\ude00'.repeat(499)}`),
  );
  fc.assert(
    fc.property(reasons, (reason) => {
      fc.pre(Reason.safeParse(reason).success);
      expect(text(reason, 500)).toBe(reason);
    }),
  );
  expect(text('\ud83d\ude00'.repeat(501), 500)).toBe('\ud83d\ude00'.repeat(500));
});

describe('an image is bounded, whatever it is', () => {
  it('size', () => {
    const json = image({ big: Array.from({ length: 900 }, () => 'x'.repeat(100)) })!;
    expect(JSON.parse(json)).toMatchObject({ truncated: true, bytes: expect.any(Number), sha256: expect.any(String) });
  });

  it('depth, cycles, odd values and odd keys', () => {
    const cycle: Record<string, unknown> = {
      a: 1n,
      b: -0,
      c: NaN,
      d: new Date(0),
      e: Buffer.from('x'),
      f: undefined,
      g: new Error('no'),
      ['__proto__x']: 1,
      $set: 1,
      'a.b': 1,
      '\u0000': '\ud800',
    };
    cycle['self'] = cycle;
    expect(image(cycle)).toContain('[deeper than 12 levels]');
    expect(JSON.parse(image(JSON.parse('{"__proto__":{"x":1}}'))!)).toEqual(JSON.parse('{"__proto__":{"x":1}}'));
  });

  it('any value gives canonical JSON of at most 32 KiB', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withSet: true, withDate: true, withNullPrototype: true }),
        (value) => {
          const json = image(value);
          if (json === null) return;
          expect(Buffer.byteLength(json)).toBeLessThanOrEqual(MAX_IMAGE_BYTES);
          expect(image(JSON.parse(json))).toBe(json);
        },
      ),
    );
  });
});
