import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { expand, readProvisionedApps } from './provisioning.ts';

it('$NAME, ${NAME} and $__env{NAME} are the environment, $$ is a dollar, unset is empty, in any depth', () => {
  const text = { a: ['$URL/x', '${URL}x', '$__env{URL}', 'cost $$5', '[$UNSET]'], b: 7, c: null };
  expect(expand(text, { URL: 'http://b' })).toEqual({
    a: ['http://b/x', 'http://bx', 'http://b', 'cost $5', '[]'],
    b: 7,
    c: null,
  });
});

it('$__file{path} is the content of the file without its last line break', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'secret-')), 'token');
  writeFileSync(file, 's3cret\n');
  expect(expand(`$__file{${file}}`, {})).toBe('s3cret');
});

it('apps of every file are read, those of another organization are not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'provisioning-'));
  mkdirSync(join(folder, 'plugins'));
  writeFileSync(
    join(folder, 'plugins', 'a.yaml'),
    'apps:\n  - type: x-app\n    disabled: $OFF\n    jsonData: { apiUrl: $URL }\n  - { type: y-app, org_id: 2 }\n',
  );
  writeFileSync(join(folder, 'plugins', 'b.yml'), 'apps: [{ type: z-app, secureJsonData: { token: "${TOKEN}" } }]\n');
  expect(readProvisionedApps(folder, { OFF: 'true', URL: 'http://b', TOKEN: 't' })).toEqual([
    { type: 'x-app', disabled: true, jsonData: { apiUrl: 'http://b' }, secureJsonData: {} },
    { type: 'z-app', disabled: false, jsonData: {}, secureJsonData: { token: 't' } },
  ]);
  expect(readProvisionedApps(join(folder, 'none'), {})).toEqual([]);
});
