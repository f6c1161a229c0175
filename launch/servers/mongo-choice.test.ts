import { expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { freePort, runServer, temporaryFolder } from '../../testing/processes.ts';
import { sharedMongoUri } from '../../testing/mongo.ts';
import { chooseMongo, withoutPassword } from './mongo-choice.ts';
import { mongoUri, secantusCommand } from './servers.ts';

it('MONGODB_URI of a replica set is taken as it is', async () => {
  const uri = sharedMongoUri();
  expect(await chooseMongo({ MONGODB_URI: uri }, 1)).toEqual({ url: uri, chosen: 'MONGODB_URI' });
});

it('a standalone mongod is refused, with the command that mends it', async () => {
  const port = await freePort();
  const uri = mongoUri(port);
  const storeDir = temporaryFolder('standalone');
  const command = await secantusCommand({ port, storeDir, durable: false });
  const standalone = { ...command, args: [...command.args, '--standalone'] };
  const server = await runServer(standalone, () => ping(uri), storeDir);
  const refusal = chooseMongo({ MONGODB_URI: uri }, 1);
  await expect(refusal).rejects.toThrow(/standalone.*--replSet rs0.*rs\.initiate\(\)/s);
  await server.stop();
});

it('an unreachable MONGODB_URI is named without its password', async () => {
  const refusal = chooseMongo({ MONGODB_URI: `mongodb://u:hidden@127.0.0.1:${await freePort()}/` }, 1);
  await expect(refusal).rejects.toThrow(/Cannot reach the MongoDB behind MONGODB_URI \(mongodb:\/\/…@127/);
  expect(withoutPassword('mongodb+srv://u:p@h/db')).toBe('mongodb+srv://…@h/db');
});

async function ping(uri: string): Promise<void> {
  await using client = new MongoClient(uri, { serverSelectionTimeoutMS: 1_000 });
  await client.db('admin').command({ ping: 1 });
}
