import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Accounts, type Account } from './accounts.ts';
import { SigningKeys } from './signing-keys.ts';

it('with a state folder a restart signs with the key that was published before, which only its owner may read', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'workbench-')), 'state');
  const published = createLocalJWKSet((await SigningKeys.open('http://g', folder)).keySet());
  const restarted = await SigningKeys.open('http://g', folder);
  const token = await restarted.identityToken(new Accounts().byLogin('admin') as Account);
  await expect(jwtVerify(token, published, { issuer: 'http://g' })).resolves.toBeDefined();
  expect(statSync(join(folder, 'signing-key.json')).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(join(folder, 'signing-key.json'), 'utf8'))).toHaveProperty('d');
});

it('without one every start has a key of its own', async () => {
  const [one, other] = await Promise.all([SigningKeys.open('http://g'), SigningKeys.open('http://g')]);
  expect(one.keySet().keys[0]?.x).not.toBe(other.keySet().keys[0]?.x);
});
