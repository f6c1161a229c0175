import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { Supervisor } from './supervisor.ts';
import type { Spec } from './supervised.ts';

const backoff = { first: 50, cap: 200, stable: 60_000 };

function world(): { lines: string[]; pids: Map<string, number>; supervisor: Supervisor } {
  const lines: string[] = [];
  const pids = new Map<string, number>();
  const witness = {
    line: (name: string, text: string) => void lines.push(`${name}: ${text}`),
    started: (name: string, pid: number) => void pids.set(name, pid),
  };
  return { lines, pids, supervisor: new Supervisor(witness, backoff) };
}

function script(name: string, code: string, lines: string[], more: Partial<Spec> = {}): Spec {
  const ready = async (): Promise<void> => {
    if (!lines.includes(`${name}: up`)) throw new Error('not up');
  };
  const spec = { name, program: process.execPath, args: ['-e', code], ready, readyWithin: 10_000, stopWithin: 5_000 };
  return { ...spec, ...more };
}

const polite = `console.log('up'); process.on('SIGTERM', () => { console.log('bye'); process.exit(); }); setInterval(() => {}, 1000)`;
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await sleep(10);
};

it('groups start in order and stop in reverse order', async () => {
  const { lines, supervisor } = world();
  await supervisor.start([script('store', polite, lines)]);
  await supervisor.start([script('node', polite, lines)]);
  await supervisor.start([script('api', polite, lines)]);
  expect(lines).toEqual(['store: up', 'node: up', 'api: up']);
  await supervisor.stop();
  expect(lines.slice(3)).toEqual(['api: bye', 'node: bye', 'store: bye']);
});

it('a process killed with -9 is started again, each time after a doubled pause up to the cap', async () => {
  const { lines, pids, supervisor } = world();
  await supervisor.start([script('a1', polite, lines)]);
  for (let starts = 1; starts <= 4; starts++) {
    process.kill(pids.get('a1') as number, 'SIGKILL');
    await until(() => lines.filter((line) => line === 'a1: up').length === starts + 1);
  }
  await supervisor.stop();
  const pauses = lines.flatMap((line) => /restarting in (\d+) ms/.exec(line)?.[1] ?? []);
  expect(pauses).toEqual(['50', '100', '200', '200']);
});

it('one that does not stop in time is killed, and nothing is started again while stopping', async () => {
  const { lines, pids, supervisor } = world();
  const deaf = `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`;
  await supervisor.start([script('deaf', deaf, lines, { stopWithin: 200 })]);
  await supervisor.stop();
  expect(lines.at(-1)).toBe('deaf: did not stop within 0.2 s: killed');
  expect(() => process.kill(pids.get('deaf') as number, 0)).toThrow();
});

it('one that exits before it is ready fails the start with its last lines, and what was started is stopped', async () => {
  const { lines, pids, supervisor } = world();
  await supervisor.start([script('store', polite, lines)]);
  const broken = script('api', `console.error('no such setting'); process.exit(3)`, lines);
  await expect(supervisor.start([broken])).rejects.toThrow(
    /api exited \(code 3\) before it was ready.*no such setting/s,
  );
  expect(() => process.kill(pids.get('store') as number, 0)).toThrow();
});

it('one that is not ready in time is named, with what it last said', async () => {
  const { lines, supervisor } = world();
  const slow = script('p1', `console.log('still reading'); setInterval(() => {}, 1000)`, lines, { readyWithin: 500 });
  await expect(supervisor.start([slow])).rejects.toThrow(/p1 was not ready within 0\.5 s.*still reading/s);
});
