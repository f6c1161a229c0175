// A secret is found by the schema wherever it stands, valid or not, and nothing of it is left in what is shown.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import {
  allOperations,
  assertTakeable,
  holdsSecrets,
  masked,
  mutation,
  secret,
  SECRET_SHOWN,
  secretName,
  secretPlaces,
  taken,
} from './index.ts';

const body = z.strictObject({
  tenant_id: z.string().max(9),
  password: secret({ max: 200 }).describe('It'),
  pin: secret({ min: 4 }).nullable().optional(),
  smtp: z.strictObject({ host: z.string().max(9), 'pass.word/~': secret() }).optional(),
  keys: z.array(z.strictObject({ id: z.string().max(9), key: secret() })).max(3).default([]),
  env: z.record(z.string().max(9), secret()).meta({ maxProperties: 3 }).optional(),
  auth: z.union([z.strictObject({ token: secret({ max: 9 }) }), z.strictObject({ token: secret({ min: 10 }) })]).optional(),
}); // prettier-ignore

const junk = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.integer(),
  fc.dictionary(fc.string(), fc.string(), { minKeys: 1 }),
  fc.array(fc.string(), { minLength: 1 }),
);

describe('SEC-01 secrets of an input', () => {
  it('are taken out wherever they stand, valid or not, under names that differ', () => {
    fc.assert(
      fc.property(fc.array(junk, { minLength: 7, maxLength: 7 }), (values) => {
        const [password, pin, word, key, second, env, token] = values;
        const input = {
          tenant_id: 'acme', password, pin, smtp: { host: 'h', 'pass.word/~': word }, keys: [{ id: 'a', key }, { id: 'b', key: second }],
          env: { 'A.B': env }, auth: { token },
        }; // prettier-ignore
        const { shown, secrets } = taken(body, input);
        expect(shown).toEqual({
          tenant_id: 'acme',
          password: SECRET_SHOWN,
          pin: SECRET_SHOWN,
          smtp: { host: 'h', 'pass.word/~': SECRET_SHOWN },
          keys: [
            { id: 'a', key: SECRET_SHOWN },
            { id: 'b', key: SECRET_SHOWN },
          ],
          env: { 'A.B': SECRET_SHOWN },
          auth: { token: SECRET_SHOWN },
        });
        expect(secrets.map(({ path, value }) => [secretName(path), value])).toEqual([
          ['password', password], ['pin', pin], ['smtp/pass~2word~1~0', word], ['keys/0/key', key], ['keys/1/key', second],
          ['env/A~2B', env], ['auth/token', token],
        ]); // prettier-ignore
        expect(taken(body, shown).shown).toEqual(shown);
        // A page that has the places alone sees the same.
        const { shown: seen, secrets: found } = masked(secretPlaces(body), input);
        expect(seen).toEqual(shown);
        expect(found).toEqual(secrets.map(({ path, value }) => ({ path, value })));
      }),
    );
  });

  it('what is null or absent is none, and where there are none the input is as it was', () => {
    const input = { tenant_id: 'acme', pin: null };
    expect(taken(body, input)).toEqual({ shown: input, secrets: [] });
    for (const value of [null, undefined, 'text', 3, []]) expect(taken(body, value).shown).toEqual(value);
    expect(masked(secretPlaces(body), input)).toEqual({ shown: input, secrets: [] });
    const unread = new (class Unread { text = 'what a form could not read' })(); // prettier-ignore
    expect(masked(secretPlaces(body), { smtp: unread, note: unread }).shown).toEqual({
      smtp: SECRET_SHOWN,
      note: unread,
    });
    expect(secretPlaces(z.strictObject({ '*': secret(), 'a/b.c': z.string().max(1) }))).toEqual(['~3']);
  });

  it('any text that a password may be fits, blanks, controls and line breaks too', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 100, unit: 'binary' }), (value) => {
        expect(secret().safeParse(value).success).toBe(value.isWellFormed());
      }),
    );
    expect(secret().safeParse('').success).toBe(false);
    expect(secret().safeParse('x'.repeat(4_097)).success).toBe(false);
  });

  it('OpenAPI says that it is written and never read', () => {
    const { properties } = z.toJSONSchema(body, { io: 'input' }) as { properties: Record<string, unknown> };
    expect(properties['password']).toMatchObject({
      type: 'string',
      writeOnly: true,
      format: 'password',
      maxLength: 200,
      description: 'It',
    });
  });

  it('where none can be taken out, and in an address, an operation is refused', () => {
    const places = [
      z.tuple([secret()]),
      z.strictObject({ a: z.map(z.string(), secret()) }),
      z.looseObject({}).catchall(secret()),
      z.strictObject({ a: secret().transform((text) => text.length) }),
      z.record(secret() as never, z.string()),
      z.intersection(z.object({ a: secret() }), z.object({})),
      z.strictObject({ a: z.lazy(() => secret()) }),
    ];
    for (const place of places) expect(() => assertTakeable(place)).toThrow('a secret cannot stand in a');
    assertTakeable(body);
    const spec = { path: '/x/:key', summary: 'X', permission: 'ops.view', risk: 'low', body } as const;
    expect(() => mutation('x', { ...spec, params: z.strictObject({ key: secret() }) })).toThrow('in an address');
  });

  it('SEC-02 none stands in an answer, a query or a path of any operation', () => {
    const found = allOperations().flatMap(({ id, params, query, answers }) =>
      [params, query, ...Object.values(answers)].filter(holdsSecrets).map(() => id),
    );
    expect(found).toEqual([]);
    expect(allOperations().filter((one) => holdsSecrets(one.body)).map(({ id }) => id)).toEqual(['jobs.retry', 'jobs.retry.preflight']); // prettier-ignore
  });
});
