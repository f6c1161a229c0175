// npm test: types, lint, format, the plugin's own tests, jest, browser journeys; the last line is `N passed, N failed`, which CI reads.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { crashSeed } from '../e2e/crash/sample.ts';
import { close, countTests, inTurn, jestCount, work, type Check, type Count } from './checks/checks.ts';
import { jest } from './checks/jest.ts';
import { hasJourneys, runJourneys } from './checks/journeys.ts';
import { ensureInstalled } from './packages/package-roots.ts';
import { ensurePluginBuilt, pluginFolder } from './plugin/plugin-build.ts';
import { root } from './machine/programs.ts';
import { runMain } from './machine/refusal.ts';

const tool = (...path: string[]): string => join(root, 'node_modules', ...path);
const pluginTool = (...path: string[]): string => join(pluginFolder, 'node_modules', ...path);

const cruised = ['contract', 'backend', 'dataplane', 'plugin/src', 'launch', 'bench', 'e2e', 'workbench/src'];

const ownChecks: readonly Check[] = [
  { name: 'types (tsc)', args: [tool('typescript', 'bin', 'tsc')] },
  { name: 'lint (eslint)', args: [tool('eslint', 'bin', 'eslint.js'), '.'] },
  {
    name: 'directions (dependency-cruiser)',
    args: [
      tool('dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
      '--config',
      '.dependency-cruiser.mjs',
      ...cruised,
    ],
  },
  { name: 'folders', args: [join(root, 'launch', 'checks', 'folders.ts')] },
  { name: 'format (prettier)', args: [tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'] },
];

// Each with the packages of its own root.
const appChecks: readonly Check[] = [
  { name: 'plugin: types (tsc)', args: [pluginTool('typescript', 'bin', 'tsc'), '--noEmit'], cwd: pluginFolder },
  {
    name: 'plugin: lint (eslint)',
    args: [pluginTool('eslint', 'bin', 'eslint.js'), '--cache', '.'],
    cwd: pluginFolder,
  },
  { name: 'workbench: types (tsc)', args: [tool('typescript', 'bin', 'tsc'), '-p', 'workbench'] },
];

function pluginJest(): Promise<Count> {
  const args = [pluginTool('jest', 'bin', 'jest.js'), '--maxWorkers', '2', '--json', '--outputFile'];
  return countTests((file) => ({ name: 'plugin: jest', args: [...args, file], cwd: pluginFolder }), jestCount);
}

async function app(): Promise<Count[]> {
  const ready = await work('plugin and workbench: packages, build', async () => {
    await ensureInstalled(['plugin', 'workbench/grafana-12', 'workbench/grafana-13']);
    await ensurePluginBuilt();
    return true;
  });
  return [ready, ...(await inTurn(appChecks))];
}

/** Whole systems that are only spoken to, or killed once. */
const CALM = 'e2e/(audit-log|authorization|bad-input|bad-records|bad-records-table|clocks|crash/sample|edge-values|overview|revocation|tenants)\\.test'; // prettier-ignore
const except = (path: string): string[] => ['/node_modules/', path].map((one) => `--testPathIgnorePatterns=${one}`);

async function everything(): Promise<Count[]> {
  // One for both files of crash tests: what the way there leaves out, the way back takes.
  process.env['CRASH_SEED'] ??= String(crashSeed());
  // Side by side: npm waits for the network and the disk, the checks for the processor. Tests that hold times run alone,
  // and of whole systems of a dozen processes that are killed, frozen and looked at there is one at a time: two files of
  // crash tests at once took as long as one after the other, and beside the browser they kept both waiting for the store.
  const checked = await Promise.all([inTurn(ownChecks), app()]);
  const tested = [
    await pluginJest(),
    // Two files at once, for which one store is enough: of three it kept some waiting for its 1.5 s.
    await jest(except('<rootDir>/e2e/')),
    await jest([CALM, '--maxWorkers=2']),
    await jest(['e2e/', '--runInBand', ...except(CALM)]),
    await journeys(),
  ];
  return [...checked.flat(), ...tested];
}

async function journeys(): Promise<Count> {
  if (!hasJourneys()) return { passed: 0, failed: 0, skipped: 0 };
  const split = (process.env['JOURNEY_SPLIT'] ??= String(randomInt(2)));
  process.stderr.write(`journeys divided between the hosts by JOURNEY_SPLIT=${split}; npm run e2e runs all on both\n`);
  return runJourneys([]);
}

// With arguments it is a part: jest alone, at once.
const part = process.argv.slice(2);
await runMain(async () => close(part.length > 0 ? [await jest(part)] : await everything()));
