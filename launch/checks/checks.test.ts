import { expect, it } from '@jest/globals';
import { countTests, jestCount, playwrightCount, type Check } from './checks.ts';

const script =
  (code: string) =>
  (file: string): Check => ({
    name: 'a runner',
    args: ['-e', `const fs = require('node:fs'); const file = ${JSON.stringify(file)}; ${code}`],
  });

it('a suite of the plugin that cannot run counts as a failure beside the failed tests', () => {
  const result = { numPassedTests: 5, numFailedTests: 1, numRuntimeErrorTestSuites: 2, numPendingTests: 3 };
  expect(jestCount(result)).toEqual({ passed: 5, failed: 3, skipped: 3 });
});

it('a journey that passed only when tried again has failed, and so has what went wrong outside of a journey', () => {
  const stats = { expected: 4, flaky: 1, unexpected: 2, skipped: 1 };
  expect(playwrightCount({ stats, errors: [{}] })).toEqual({ passed: 4, failed: 4, skipped: 1 });
});

it('a runner counts what it wrote; one that fails without a failed test, or writes nothing, is one failure', async () => {
  const result = `fs.writeFileSync(file, JSON.stringify({ numPassedTests: 2 }));`;
  expect(await countTests(script(result), jestCount)).toEqual({ passed: 2, failed: 0, skipped: 0 });
  expect(await countTests(script(`${result} process.exit(1)`), jestCount)).toMatchObject({ passed: 2, failed: 1 });
  expect(await countTests(script('process.exit(1)'), jestCount)).toMatchObject({ passed: 0, failed: 1 });
});
