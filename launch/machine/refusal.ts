// An error whose message is written for the person at the terminal: shown without a stack, ends with the remedy.
export class Refusal extends Error {}

/** Runs a script's main function; a refusal is one clear message and exit code 1. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(error instanceof Refusal ? `✗ ${error.message}\n` : `✗ ${String((error as Error).stack)}\n`);
    process.exitCode = 1;
  }
}
