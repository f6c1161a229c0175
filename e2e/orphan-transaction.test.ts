// A process killed inside a transaction: the locks it leaves must not hold up whoever comes after it.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connectMongo } from '../backend/src/ports/mongo/mongo.ts';
import { root } from '../launch/machine/programs.ts';
import { freshDatabase } from '../testing/mongo.ts';
import { stopwatch } from '../testing/stopwatch.ts';

const { uri, db } = freshDatabase();
interface Cell {
  readonly _id: string;
  readonly n: number;
}

beforeAll(async () => {
  const mongo = await connectMongo(uri, db);
  await mongo.db.collection<Cell>('cells').insertOne({ _id: 'head', n: 0 });
  await mongo.close();
});
afterAll(async () => {
  const mongo = await connectMongo(uri, db);
  await mongo.db.dropDatabase();
  await mongo.close();
});

/** Changes the cell inside a transaction, as replica `name`, and is killed before it commits. */
async function dieInsideTransaction(name: string): Promise<void> {
  const program = `
    import { connectMongo } from ${JSON.stringify(join(root, 'backend', 'src', 'ports', 'mongo', 'mongo.ts'))};
    const mongo = await connectMongo(${JSON.stringify(uri)}, ${JSON.stringify(db)}, ${JSON.stringify(name)});
    await mongo.transaction(async (session) => {
      await mongo.db.collection('cells').updateOne({ _id: 'head' }, { $inc: { n: 100 } }, { session });
      process.kill(process.pid, 'SIGKILL');
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit', cwd: root });
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
}

it('NFR-07 its next life ends what it left open, so that work goes on within a second', async () => {
  await dieInsideTransaction('replica-1');
  const began = stopwatch();
  const mongo = await connectMongo(uri, db, 'replica-1');
  const cells = mongo.db.collection<Cell>('cells');
  await mongo.transaction((session) => cells.updateOne({ _id: 'head' }, { $inc: { n: 1 } }, { session }));
  expect(began()).toBeLessThan(1_000);
  expect(await cells.findOne({ _id: 'head' })).toEqual({ _id: 'head', n: 1 });
  await mongo.close();
});

it('NFR-07 another replica that finds it dead can end it, too', async () => {
  await dieInsideTransaction('replica-2');
  const mongo = await connectMongo(uri, db, 'replica-3');
  await mongo.releaseTransactionsOf('replica-2');
  const cells = mongo.db.collection<Cell>('cells');
  await mongo.transaction((session) => cells.updateOne({ _id: 'head' }, { $inc: { n: 1 } }, { session }));
  expect(await cells.findOne({ _id: 'head' })).toEqual({ _id: 'head', n: 2 });
  await mongo.close();
});
