// Stops the MongoDB that jest-setup.mjs started and removes what the tests left in their temporary folders.
import { rmSync } from 'node:fs';

export default async function teardown() {
  await globalThis.sharedMongo?.stop();
  rmSync(globalThis.testFolder, { recursive: true, force: true, maxRetries: 10 });
}
