// What the environment and the platform file may say: what is ambiguous is refused at the start, by name.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { readConfig } from './service-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SHARD = { shard_id: 'a1', kind: 'aggregate', endpoint: 'http://127.0.0.1:8101', labels: {}, capacity: { tenants: 9 }, region: 'eu' }; // prettier-ignore
function told(platform: object): string {
  const file = join(folder, 'platform.json');
  writeFileSync(file, JSON.stringify(platform));
  try {
    readConfig({ MONGODB_URI: 'mongodb://m', NATS_URL: 'nats://n', PLATFORM_FILE: file });
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
}

it('API-16 a shard or a tenant that the platform file names twice is refused at the start', () => {
  expect(told({ shards: [SHARD, { ...SHARD, shard_id: 'a2' }], tenants: ['acme', 'globex'] })).toBe('taken');
  expect(told({ shards: [SHARD, { ...SHARD, endpoint: 'http://127.0.0.1:8102' }] })).toContain('a1 is named twice');
  expect(told({ tenants: ['acme', 'globex', 'acme'] })).toMatch(/acme is named twice[^]*tenants\[2\]/);
});

const several = (...environments: object[]): string =>
  told({ environments: environments.map((more) => ({ tier: 'dev', shards: [], tenants: [], ...more })) });

it('GEN-29 CON-02 environments of any id, each with its own connections; one may take those of the process', () => {
  expect(several({ id: 'eu-1' }, { id: 'eu-2', nats_url: 'nats://two' })).toBe('taken');
  expect(several({ id: 'eu-1' }, { id: 'eu-2' })).toMatch(/eu-1, eu-2: NATS_URL is of one environment/);
  expect(several({ id: 'eu-1' }, { id: 'eu-1', nats_url: 'nats://two' })).toContain('eu-1 is named twice');
  expect(several({ id: 'EU' })).toMatch(/Lower-case letters/);
  expect(several({ id: 'eu', tier: 'test' })).toMatch(/tier/);
  expect(several({ id: 'eu', nats: 'nats://two' })).toMatch(/Unrecognized key/);
  expect(several({ id: 'eu', outbound_allowlist: 'http://x' })).not.toBe('taken');
  expect(several({ id: 'eu', placement_source: 'static' })).toMatch(/needs PLACEMENT_FILE/);
  expect(several()).not.toBe('taken');
  const gateway = { issuer: 'https://gw', jwks_url: 'https://gw/keys' };
  expect(several({ id: 'eu', gateway }, { id: 'us', nats_url: 'nats://two', gateway })).toContain(
    'https://gw is named twice',
  );
  const token = join(folder, 'token');
  writeFileSync(token, 's3cret\n');
  expect(several({ id: 'eu', node_token: 'x', node_token_file: token })).toMatch(/both given/);
  const environments = [
    { id: 'eu', tier: 'prod', node_token_file: token },
    { id: 'us', tier: 'staging', nats_url: 'nats://two' },
  ];
  writeFileSync(join(folder, 'platform.json'), JSON.stringify({ environments }));
  const env = { MONGODB_URI: 'mongodb://m', NATS_URL: 'nats://n', NODE_ADMIN_TOKEN: 'of-one', OUTBOUND_ALLOWLIST: 'n1:1', PLATFORM_FILE: join(folder, 'platform.json') }; // prettier-ignore
  const [eu, us] = readConfig(env).environments;
  expect(eu).toMatchObject({ natsUrl: 'nats://n', nodeToken: 's3cret', outboundAllowlist: 'n1:1', tier: 'prod' });
  // What is of one environment is no other's by being left out: no token is sent to its nodes, and nowhere may they live.
  expect(us).toMatchObject({ natsUrl: 'nats://two', nodeToken: undefined, outboundAllowlist: '', tier: 'staging' });
});

it('GEN-29 a single environment needs no more than its name, and one that nobody knows is as strict as production', () => {
  const of = (platform: object) => {
    writeFileSync(join(folder, 'platform.json'), JSON.stringify(platform));
    return readConfig({ MONGODB_URI: 'mongodb://m', NATS_URL: 'nats://n', PLATFORM_FILE: join(folder, 'platform.json') }).environments; // prettier-ignore
  };
  expect(of({})).toMatchObject([{ id: 'dev', tier: 'dev', natsUrl: 'nats://n' }]);
  expect(of({ environment: 'preview' })).toMatchObject([{ id: 'preview', tier: 'dev' }]);
  expect(of({ environment: 'eu-1' })).toMatchObject([{ id: 'eu-1', tier: 'prod' }]);
  expect(of({ environment: 'eu-1', tier: 'staging' })).toMatchObject([{ id: 'eu-1', tier: 'staging' }]);
  expect(() => readConfig({ MONGODB_URI: 'mongodb://m' })).toThrow('NATS_URL is missing');
});
