import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '../machine/programs.ts';
import { countTests, jestCount, playwrightCount, type Check } from './checks.ts';

const script =
  (code: string) =>
  (file: string): Check => ({
    name: 'a runner',
    args: ['-e', `const fs = require('node:fs'); const file = ${JSON.stringify(file)}; ${code}`],
  });

it('a suite of the plugin that cannot run counts as a failure beside the failed tests', () => {
  const result = { numPassedTests: 5, numFailedTests: 1, numRuntimeErrorTestSuites: 2, numPendingTests: 3 };
  expect(jestCount(result)).toMatchObject({ passed: 5, failed: 3, skipped: 3 });
});

it('a journey that passed only when tried again has failed, and so has what went wrong outside of a journey', () => {
  const stats = { expected: 4, flaky: 1, unexpected: 2, skipped: 1 };
  expect(playwrightCount({ stats, errors: [{}] })).toMatchObject({ passed: 4, failed: 4, skipped: 1 });
});

it('a runner counts what it wrote; one that fails without a failed test, or writes nothing, is one failure', async () => {
  const result = `fs.writeFileSync(file, JSON.stringify({ numPassedTests: 2 }));`;
  expect(await countTests(script(result), jestCount)).toMatchObject({ passed: 2, failed: 0, skipped: 0 });
  expect(await countTests(script(`${result} process.exit(1)`), jestCount)).toMatchObject({ passed: 2, failed: 1 });
  expect(await countTests(script('process.exit(1)'), jestCount)).toMatchObject({ passed: 0, failed: 1 });
});

it('what failed is named, by its file and title', async () => {
  const testResults = [
    { name: join(root, 'a.test.ts'), status: 'failed', assertionResults: [{ status: 'failed', fullName: 'it holds' }, { status: 'passed', fullName: 'fine' }] },
    { name: join(root, 'b.test.ts'), status: 'failed', assertionResults: [] },
    { name: join(root, 'c.test.ts'), status: 'passed', assertionResults: [] },
  ]; // prettier-ignore
  expect(jestCount({ testResults }).failures).toEqual(['a.test.ts › it holds', 'b.test.ts: cannot run']);
  const spec = (title: string, ok: boolean) => ({ title, ok, file: 'j.spec.ts' });
  const suites = [{ specs: [spec('one', true)], suites: [{ specs: [spec('two', false)] }] }];
  const journeys = playwrightCount({ stats: {}, suites, errors: [{ message: 'no port\nat x' }] });
  expect(journeys.failures).toEqual(['j.spec.ts › two', 'playwright: no port']);
  expect((await countTests(script('process.exit(1)'), jestCount)).failures).toEqual(['a runner: no result']);
});
