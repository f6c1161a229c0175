import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { temporaryFolder } from '../testing/processes.ts';
import { reset } from './reset.ts';
import { RunFile } from './platform/run-file.ts';

function localFolder(): string {
  const folder = temporaryFolder('local');
  for (const name of ['mongo', 'nats', 'venv']) mkdirSync(join(folder, name));
  return folder;
}

it('reset refuses while the platform runs and clears nothing', async () => {
  const folder = localFolder();
  const runFile = new RunFile(join(folder, 'run.json'));
  await runFile.claim();
  expect(() => reset(folder, true)).toThrow(`running as pid ${process.pid}`);
  expect(existsSync(join(folder, 'mongo'))).toBe(true);
  runFile.release();
  expect(reset(folder, false).toSorted()).toEqual(['mongo', 'nats']);
  expect(existsSync(join(folder, 'venv'))).toBe(true);
  expect(reset(folder, true)).toEqual(['venv']);
});

it('a second start is refused while the first one runs', async () => {
  const file = join(temporaryFolder('local'), 'run.json');
  await new RunFile(file).claim();
  await expect(new RunFile(file).claim()).rejects.toThrow(`already running as pid ${process.pid}`);
});

it('the start after a kill -9 ends what was left running, and only that', async () => {
  const file = join(temporaryFolder('local'), 'run.json');
  const orphan = spawn('sleep', ['60'], { stdio: 'ignore' });
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  const first = new RunFile(file);
  first.started('nats', orphan.pid as number);
  // As if the kernel had given a dead child's pid, and the dead supervisor's, to others.
  const run = JSON.parse(readFileSync(file, 'utf8')) as { supervisor: object; children: object[] };
  run.children.push({ name: 'mongo', pid: stranger.pid, born: '1' });
  writeFileSync(file, JSON.stringify({ ...run, supervisor: { ...run.supervisor, born: '1' } }));
  const ended = once(orphan, 'exit');
  await new RunFile(file).claim();
  expect(await ended).toEqual([null, 'SIGTERM']);
  expect(stranger.signalCode).toBeNull();
  stranger.kill();
});
