import { randomBytes } from 'node:crypto';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { controlKey } from '../../../launch/platform/keys.ts';
import { temporaryFolder } from '../../../testing/processes.ts';
import { controlKeyFrom, parseControlKey, readControlKey, type KeyUse } from './control-key.ts';

const folder = temporaryFolder('control-key');
const file = (name: string, content: string | Uint8Array, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, content, { mode });
  chmodSync(path, mode);
  return path;
};
const bytesOf = (key: ReturnType<typeof controlKeyFrom>, use: KeyUse) => key.derived(use).export().toString('hex');

it('a key is the same key as bytes, base64 in both alphabets and hexadecimal digits, with or without a line end', () => {
  const bytes = randomBytes(32);
  const { mark } = controlKeyFrom(bytes);
  for (const [name, content] of Object.entries({
    raw: bytes,
    base64: `${bytes.toString('base64')}\n`,
    base64url: bytes.toString('base64url'),
    hex: `${bytes.toString('hex')}\r\n`,
    HEX: bytes.toString('hex').toUpperCase(),
  }))
    expect([name, readControlKey(file(name, content)).mark]).toEqual([name, mark]);
  expect(readControlKey(file('mounted', bytes.toString('base64'), 0o444)).mark).toBe(mark);
});

it.each<[string, string | Uint8Array, string]>([
  ['that is empty', '', 'CONTROL_KEY'],
  ['of 31 bytes', randomBytes(31).toString('base64'), '31 bytes and must be 32'],
  ['of 33 bytes', randomBytes(33).toString('base64'), '33 bytes and must be 32'],
  ['of 16 bytes', randomBytes(16).toString('hex'), '24 bytes and must be 32'],
  ['that is a phrase of 32 letters', 'correct-horse-battery-staple-abc', '24 bytes and must be 32'],
  ['of two keys', `${randomBytes(32).toString('hex')}\n${randomBytes(32).toString('hex')}`, 'base64 or hexadecimal'],
  ['that is a sentence', 'correct horse battery staple', 'base64 or hexadecimal'],
  ['of zeros', Buffer.alloc(32), 'not random'],
  ['of one letter', 'a'.repeat(32), '24 bytes'],
  ['of a pattern', 'abcd'.repeat(16), 'not random'],
])('SEC-01 a key %s is refused, and neither shown', (_, content, why) => {
  const path = file('bad', content);
  expect(() => readControlKey(path)).toThrow(why);
  expect(() => readControlKey(path)).toThrow(path);
  const text = typeof content === 'string' ? content.slice(0, 20) : 'no text at all';
  try {
    readControlKey(path);
  } catch (error) {
    if (text.length > 4) expect((error as Error).message).not.toContain(text);
  }
});

it('a key that others may write, or that is not there, is refused', () => {
  const good = randomBytes(32).toString('base64');
  for (const mode of [0o620, 0o602, 0o666])
    expect(() => readControlKey(file(`w${mode}`, good, mode))).toThrow('chmod 600');
  expect(() => readControlKey(join(folder, 'none'))).toThrow('ENOENT');
  expect(() => readControlKey(folder)).toThrow(folder);
});

it('each use has a key of its own, and another secret has others', () => {
  const [one, two] = [controlKeyFrom(randomBytes(32)), controlKeyFrom(randomBytes(32))];
  const all = [one, two].flatMap((key) => [bytesOf(key, 'plan-hash'), bytesOf(key, 'key-check'), key.mark]);
  expect(new Set(all).size).toBe(6);
  const again = randomBytes(32);
  expect(controlKeyFrom(again).mark).toBe(parseControlKey(again.toString('base64')).mark);
});

it('npm start makes one key, also when two start at once, readable by its owner only', async () => {
  const path = join(folder, 'made', 'control_key');
  await Promise.all([controlKey(path), controlKey(path), controlKey(path)]);
  const { mark } = readControlKey(path);
  expect(readControlKey(await controlKey(path)).mark).toBe(mark);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
