// Runs one check of `npm test` and counts it: a tool that passes or fails, or a test runner with tests of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root } from '../machine/programs.ts';

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, a line each, so that the end of a long output says what its middle showed. */
  readonly failures?: readonly string[];
}

export interface Check {
  readonly name: string;
  /** What Node runs: the tool's script and its arguments. */
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const one = (ok: boolean, name: string): Count => ({
  passed: ok ? 1 : 0,
  failed: ok ? 0 : 1,
  skipped: 0,
  failures: ok ? [] : [name],
});

export async function inTurn(checks: readonly Check[]): Promise<Count[]> {
  const counts: Count[] = [];
  for (const check of checks) counts.push(await work(check.name, () => node(check)));
  return counts;
}

/** A piece of work as a check: `false` or an error, which is told, is one failure. */
export async function work(name: string, run: () => Promise<boolean>): Promise<Count> {
  const began = performance.now();
  const ok = await run().catch((error: Error) => {
    process.stderr.write(`✗ ${error.message}\n`);
    return false;
  });
  process.stdout.write(`${ok ? '✓' : '✗'} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`);
  return one(ok, name);
}

/** Runs a test runner that leaves its result in the file it is told; `read` makes a count of it. */
export async function countTests(check: (file: string) => Check, read: (result: unknown) => Count): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudlysis-count-'));
  const file = join(folder, 'count.json');
  const run = check(file);
  const ok = await node(run);
  const count = resultOf(file, read) ?? one(false, `${run.name}: no result`);
  rmSync(folder, { recursive: true });
  // A runner can fail without a failed test: no test found, a broken set-up, a killed run.
  return ok || count.failed > 0 ? count : { ...count, failed: 1, failures: [`${run.name}: ended with an error`] };
}

function resultOf(file: string, read: (result: unknown) => Count): Count | null {
  try {
    return read(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

interface JestResult {
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly numRuntimeErrorTestSuites?: number;
  readonly numPendingTests?: number;
  readonly testResults?: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** What jest's --json writes; a suite that cannot run counts as one failure. */
export function jestCount(result: unknown): Count {
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, testResults } =
    result as JestResult;
  const suites = (testResults ?? []).filter(({ status }) => status === 'failed');
  return {
    passed: numPassedTests ?? 0,
    failed: (numFailedTests ?? 0) + (numRuntimeErrorTestSuites ?? 0),
    skipped: numPendingTests ?? 0,
    failures: suites.flatMap(({ name, assertionResults }) => {
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      const file = relative(root, name);
      return failed.length > 0 ? failed.map(({ fullName }) => `${file} › ${fullName}`) : [`${file}: cannot run`];
    }),
  };
}

interface PlaywrightSuite {
  readonly suites?: readonly PlaywrightSuite[];
  readonly specs?: readonly { readonly title: string; readonly file: string; readonly ok: boolean }[];
}
const specsOf = (suite: PlaywrightSuite): NonNullable<PlaywrightSuite['specs']> => [
  ...(suite.specs ?? []),
  ...(suite.suites ?? []).flatMap(specsOf),
];

/** What Playwright's json reporter writes. A test that passed only when tried again has failed once, and so has the run. */
export function playwrightCount(result: unknown): Count {
  const { stats, errors = [] } = result as { stats: Record<string, number>; errors?: { message?: string }[] };
  const { expected = 0, flaky = 0, unexpected = 0, skipped = 0 } = stats;
  const broken = specsOf(result as PlaywrightSuite).filter(({ ok }) => !ok);
  return {
    passed: expected,
    failed: unexpected + flaky + errors.length,
    skipped,
    failures: [
      ...broken.map(({ file, title }) => `${file} › ${title}`),
      ...errors.map(({ message }) => `playwright: ${String(message).split('\n')[0]}`),
    ],
  };
}

/** The line CI reads, and the exit code. */
export function close(counts: readonly Count[]): void {
  const sum = (of: 'passed' | 'failed' | 'skipped'): number => counts.reduce((total, count) => total + count[of], 0);
  const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
  for (const failure of counts.flatMap(({ failures = [] }) => failures)) process.stdout.write(`✗ ${failure}\n`);
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed${skipped}\n`);
  if (sum('failed') > 0) process.exitCode = 1;
}

function node({ args, cwd = root, env }: Check): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
