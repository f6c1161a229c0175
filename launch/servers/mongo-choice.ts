// Decides which MongoDB `npm start` uses, and refuses one that cannot carry transactions and change streams.
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { localDir, onPath, say, stateDir } from '../machine/programs.ts';
import { Refusal } from '../machine/refusal.ts';
import { mongodCommand, mongoUri, secantusCommand, type Command } from './servers.ts';

export interface Choice {
  readonly url: string;
  readonly chosen: string;
  /** What to start; absent when it runs already, elsewhere. */
  readonly command?: Command;
}

/** In this order: MONGODB_URI, mongod on PATH, a mongod that mongodb-memory-server downloads, SecantusDB from PyPI. */
export async function chooseMongo(env: NodeJS.ProcessEnv, port: number, folder = stateDir): Promise<Choice> {
  const given = env['MONGODB_URI'];
  if (given) {
    await refuseStandalone(given);
    return { url: given, chosen: 'MONGODB_URI' };
  }
  const command = await mongoToStart(port, join(folder, 'mongo'));
  return { url: mongoUri(port), chosen: command.chosen, command };
}

// A folder per engine: neither can read the other's files.
async function mongoToStart(port: number, folder: string): Promise<Command> {
  const place = { port, storeDir: join(folder, 'mongod'), durable: true };
  const found = onPath('mongod');
  if (found) return mongodCommand(found, 'mongod on PATH', place);
  const downloaded = await downloadedMongod();
  if (downloaded) return mongodCommand(downloaded, 'mongod from mongodb-memory-server', place);
  return secantusCommand({ ...place, storeDir: join(folder, 'secantus') });
}

interface MemoryServer {
  MongoBinary: { getPath(options: { downloadDir: string }): Promise<string> };
}

// Not a dependency: its download is large and often blocked; whoever installs it gets a real mongod without more ado.
async function downloadedMongod(): Promise<string | undefined> {
  const optional = 'mongodb-memory-server-core';
  try {
    const { MongoBinary } = (await import(optional)) as MemoryServer;
    return await MongoBinary.getPath({ downloadDir: join(localDir, 'mongo-binaries') });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND')
      say(`${optional}: ${(error as Error).message}`);
    return undefined;
  }
}

/** A standalone server has no oplog, so neither transactions nor change streams: the backend could not keep its word. */
export async function refuseStandalone(uri: string): Promise<void> {
  const hello = await helloOf(uri);
  const sharded = hello['msg'] === 'isdbgrid';
  if (hello['setName'] || sharded) return;
  const initiate = `mongosh '${withoutPassword(uri)}' --eval 'rs.initiate()'`;
  throw new Refusal(
    hello['isreplicaset']
      ? `The MongoDB behind MONGODB_URI is a replica set that was never initiated. Once:\n    ${initiate}`
      : `The MongoDB behind MONGODB_URI is standalone: no transactions, no change streams. Make it a one-node replica set:
    mongod --replSet rs0 <its other options>   (or replication.replSetName: rs0 in mongod.conf), and then once
    ${initiate}`,
  );
}

async function helloOf(uri: string): Promise<Record<string, unknown>> {
  const options = {
    serverSelectionTimeoutMS: 5_000,
    ...(uri.includes('replicaSet=') ? {} : { directConnection: true }),
  };
  try {
    await using client = new MongoClient(uri, uri.startsWith('mongodb+srv') ? {} : options);
    return await client.db('admin').command({ hello: 1 });
  } catch (error) {
    throw new Refusal(
      `Cannot reach the MongoDB behind MONGODB_URI (${withoutPassword(uri)}): ${(error as Error).message}`,
    );
  }
}

export const withoutPassword = (uri: string): string => uri.replace(/\/\/[^@/]*@/, '//…@');
