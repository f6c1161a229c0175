import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { temporaryFolder } from '../../testing/processes.ts';
import { withLock } from './lock.mjs';

const never = (): void => undefined;

it('two processes never hold the lock at once', async () => {
  const folder = temporaryFolder('lock');
  const lock = join(import.meta.dirname, 'lock.mjs');
  const code = `import { withLock } from ${JSON.stringify(lock)};
    import { readFileSync, writeFileSync } from 'node:fs';
    await withLock('lock', () => {}, async () => {
      const before = Number(readFileSync('count', 'utf8'));
      await new Promise((done) => setTimeout(done, 50));
      writeFileSync('count', String(before + 1));
    });`;
  writeFileSync(join(folder, 'count'), '0');
  const run = (): Promise<void> =>
    new Promise((done) => {
      const options = { cwd: folder, stdio: 'inherit' } as const;
      spawn(process.execPath, ['--input-type=module', '-e', code], options).on('exit', () => done());
    });
  await Promise.all([run(), run(), run(), run()]);
  expect(readFileSync(join(folder, 'count'), 'utf8')).toBe('4');
});

it('the lock of a killed process is taken over, and released also when the work fails', async () => {
  const file = join(temporaryFolder('lock'), 'lock');
  const dead = spawn('true', { stdio: 'ignore' });
  await new Promise((done) => dead.on('exit', done));
  writeFileSync(file, String(dead.pid));
  expect(await withLock(file, never, () => 'mine')).toBe('mine');
  await expect(withLock(file, never, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(existsSync(file)).toBe(false);
});
