// A MongoDB of a test's own, and the one that all tests share.
import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { mongoCommand, mongoReady, mongoUri } from '../launch/servers/servers.ts';
import { freePort, runServer, temporaryFolder, type ServerOptions, type TestProcess } from './processes.ts';

export interface TestMongo extends TestProcess {
  readonly uri: string;
  readonly port: number;
  readonly storeDir: string;
}

export interface MongoOptions extends ServerOptions {
  /** Sync every commit to disk (the default): SecantusDB loses the last ones to a kill -9 otherwise. */
  readonly durable?: boolean;
}

/** A server of one's own, for tests that kill or cut it; others use `sharedMongoUri`. */
export async function startMongo(options: MongoOptions = {}): Promise<TestMongo> {
  const port = options.port ?? (await freePort());
  const storeDir = options.storeDir ?? temporaryFolder('mongo');
  const uri = mongoUri(port);
  const command = await mongoCommand({ port, storeDir, durable: options.durable ?? true });
  const server = await runServer(command, () => mongoReady(uri), options.storeDir ? undefined : storeDir);
  return { ...server, uri, port, storeDir };
}

/** The server that jest's global set-up started (or that TEST_MONGODB_URI named). */
export function sharedMongoUri(): string {
  const uri = process.env['TEST_MONGODB_URI'];
  if (!uri) throw new Error('TEST_MONGODB_URI is not set: run this test through npm test (jest.config.mjs)');
  return uri;
}

/** A database no other test uses, on the shared server. */
export function freshDatabase(): { uri: string; db: string } {
  return { uri: sharedMongoUri(), db: `test_${randomBytes(6).toString('hex')}` };
}

/** With a connection of its own: the product's give a store 1.5 s, and thousands of records take longer to drop beside other tests. */
export async function dropDatabase(db: string): Promise<void> {
  const client = await MongoClient.connect(sharedMongoUri());
  await client.db(db).dropDatabase();
  await client.close();
}
