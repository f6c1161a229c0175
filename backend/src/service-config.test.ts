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
