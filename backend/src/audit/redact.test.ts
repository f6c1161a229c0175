import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
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
