// npm test: types, lint, format, then jest; the last line printed is `N passed, N failed`, which CI reads.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './programs.ts';
import { runMain } from './refusal.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const tool = (...path: string[]): string => join(root, 'node_modules', ...path);
const checks = [
  ['types (tsc)', [tool('typescript', 'bin', 'tsc')]],
  ['lint (eslint)', [tool('eslint', 'bin', 'eslint.js'), '.']],
  ['format (prettier)', [tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.']],
] as const;

function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

async function check(name: string, args: readonly string[]): Promise<Count> {
  const began = performance.now();
  const ok = await node(args);
  process.stdout.write(`${ok ? '✓' : '✗'} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

async function jest(args: readonly string[]): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudlysis-count-'));
  const file = join(folder, 'count.json');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const NODE_OPTIONS = [process.env['NODE_OPTIONS'], ...flags].filter(Boolean).join(' ');
  const ok = await node([tool('jest', 'bin', 'jest.js'), ...args], { NODE_OPTIONS, CLOSING_COUNT_FILE: file });
  const count = read(file);
  rmSync(folder, { recursive: true });
  // Jest can fail without a failed test: no test found, a broken set-up, a killed run.
  return ok || count.failed > 0 ? count : { ...count, failed: 1 };
}

function read(file: string): Count {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Count;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

async function main(): Promise<void> {
  const counts: Count[] = [];
  for (const [name, args] of checks) counts.push(await check(name, args));
  counts.push(await jest(process.argv.slice(2)));
  const sum = (of: keyof Count): number => counts.reduce((total, count) => total + count[of], 0);
  const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed${skipped}\n`);
  if (sum('failed') > 0) process.exitCode = 1;
}

await runMain(main);
