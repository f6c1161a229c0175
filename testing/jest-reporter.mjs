// Ends a run with `N passed, N failed`, which CI reads; a suite that cannot run counts as one failure.
import { writeFileSync } from 'node:fs';

export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const { numPassedTests: passed, numPendingTests: skipped } = results;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // launch/test.ts adds the checks before jest to the count and prints the line itself.
    const file = process.env.CLOSING_COUNT_FILE;
    if (file) return writeFileSync(file, JSON.stringify({ passed, failed, skipped }));
    const line = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`;
    // At exit: jest's own summary comes after every reporter, whatever their order.
    process.once('exit', () => process.stdout.write(line));
  }
}
