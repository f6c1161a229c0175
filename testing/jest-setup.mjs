// Starts the one MongoDB that all tests share (a database each), unless TEST_MONGODB_URI names one.
// Without a sync per commit, which only a killed server needs: nobody may kill this one (startMongo is for that).
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMongo } from './mongo.ts';

export default async function setup() {
  // Every temporary folder of every test lies in this one, which goes as a whole.
  globalThis.testFolder = mkdtempSync(join(tmpdir(), 'cloudlysis-tests-'));
  process.env.TMPDIR = globalThis.testFolder;
  if (process.env.TEST_MONGODB_URI) return;
  globalThis.sharedMongo = await startMongo({ durable: false });
  process.env.TEST_MONGODB_URI = globalThis.sharedMongo.uri;
}
