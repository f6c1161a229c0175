import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { calculateJwkThumbprint, importJWK, jwtVerify } from 'jose';
import { temporaryFolder } from '../testing/processes.ts';
import { gatewayKey } from './platform/keys.ts';
import { signToken, tokenRequest } from './token.ts';

const issuer = 'http://127.0.0.1:8080';

it('a token verifies with the public half of the kept key and says who, for what and how long', async () => {
  const file = join(temporaryFolder('keys'), 'keys', 'gateway.json');
  const token = await signToken(tokenRequest(['--email', 'a@b.test', '--role', 'operator']), issuer, file);
  const { d: _private, ...publicHalf } = await gatewayKey(file);
  const key = await importJWK(publicHalf, 'ES256');
  const { payload, protectedHeader } = await jwtVerify(token, key, { issuer, audience: 'cloudlysis-control' });
  expect(payload).toMatchObject({ sub: 'a@b.test', email: 'a@b.test', role: 'operator' });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  expect(payload['auth_time']).toBe(payload.iat);
  expect(payload.jti).toMatch(/^[0-9a-f-]{36}$/);
  expect(protectedHeader.kid).toBe(`dev-${(await calculateJwkThumbprint(publicHalf)).slice(0, 12)}`);
});

it('a token for the gateway carries the tenants it may command', async () => {
  const file = join(temporaryFolder('keys'), 'gateway.json');
  const request = tokenRequest(['--email', 'a@b.test', '--audience', 'cloudlysis-gateway', '--tenants', 't1,t2']);
  const token = await signToken(request, issuer, file);
  const { d: _private, ...publicHalf } = await gatewayKey(file);
  const { payload } = await jwtVerify(token, await importJWK(publicHalf, 'ES256'), { audience: 'cloudlysis-gateway' });
  expect(payload['tenants']).toEqual(['t1', 't2']);
});

it('the key is made once, also by several at once, and is readable by its owner only', async () => {
  const file = join(temporaryFolder('keys'), 'keys', 'gateway.json');
  const keys = await Promise.all([gatewayKey(file), gatewayKey(file), gatewayKey(file)]);
  expect(new Set(keys.map((key) => key.kid)).size).toBe(1);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('a request without an e-mail or with a wrong duration is answered with the usage', () => {
  expect(() => tokenRequest(['--role', 'operator'])).toThrow('npm run -s token');
  expect(() => tokenRequest(['--email', 'a@b.test', '--minutes', 'soon'])).toThrow('npm run -s token');
});
