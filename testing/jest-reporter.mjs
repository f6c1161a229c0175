// Ends a run with `N passed, N failed`, which CI reads; a suite that cannot run counts as one failure.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

function failuresOf({ testFilePath, testExecError, testResults }) {
  const file = relative(process.cwd(), testFilePath);
  if (testExecError) return [`${file}: cannot run`];
  return testResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `${file} › ${fullName}`);
}

export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const { numPassedTests: passed, numPendingTests: skipped } = results;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // launch/test.ts adds the checks before jest to the count and prints the line itself.
    const file = process.env.CLOSING_COUNT_FILE;
    const failures = results.testResults.flatMap(failuresOf);
    if (file) return writeFileSync(file, JSON.stringify({ passed, failed, skipped, failures }));
    const line = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`;
    // At exit: jest's own summary comes after every reporter, whatever their order.
    process.once('exit', () => process.stdout.write(line));
  }
}
