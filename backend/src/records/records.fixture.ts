// A plain record made for the tests of this folder, on the engine as it is.
import { resource, type MutationId, type Permission } from '@cloudlysis/contract';
import { z } from 'zod';
import { freshDatabase } from '../../../testing/mongo.ts';
import { systemAmbient } from '../kernel/ambient.ts';
import { fragileMongo, type Fuse } from '../jobs/engine/dying-port.fixture.ts';
import { EngineHarness, TESTER, type Ended, type Script } from '../jobs/engine/crash-harness.fixture.ts';
import type { Visible } from '../call/principal.ts';
import { connectMongo, type Mongo } from '../ports/mongo/mongo.ts';
import { recordsOf } from './index.ts';
import type { StoredRecord } from './stored-record.ts';

const word = z.string().min(1).max(20);

export const signs = resource('test.signs', {
  path: '/test/signs',
  one: 'sign',
  many: 'signs',
  id: 'TestSign',
  key: { tenant_id: word, sign_id: word },
  value: { text: word, size: z.int().min(0).max(9), colours: z.record(word, word).optional() },
  scope: 'tenant',
  permission: { view: 'tenants.view' satisfies Permission, change: 'tenants.update' },
  risk: { put: 'low', remove: 'high' },
});

export interface Sign {
  readonly text: string;
  readonly size: number;
  readonly colours?: Record<string, string>;
}
export type Key = { readonly tenant_id: string; readonly sign_id: string };
export type Seen = Sign &
  Key & { readonly version: number; readonly history: readonly { version: number; value: Sign | null }[] };

interface Reads {
  'test.signs.list'(call: object): Promise<{ items: Seen[]; next_cursor: string | null; unreadable: { id: string }[] }>;
  'test.signs.get'(call: object): Promise<Seen>;
}

export interface Wall extends AsyncDisposable {
  readonly mongo: Mongo;
  readonly engine: EngineHarness;
  stored(key: Key): Promise<StoredRecord | null>;
  get(key: Key): Promise<Seen>;
  list(query?: object, visible?: Visible): ReturnType<Reads['test.signs.list']>;
  put(key: Key, sign: Sign, expected: number, script?: Script): Promise<Ended>;
  remove(key: Key, expected: number, script?: Script): Promise<Ended>;
  /** The call that the end of a job offers. */
  undo(ended: Ended): Promise<Ended>;
}

export async function startWall(): Promise<Wall> {
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  const engine = new EngineHarness(mongo);
  const ambient = systemAmbient();
  const made = (fuse: Fuse) => recordsOf(signs, { mongo: fragileMongo(mongo, fuse), ambient, jobs: engine });
  engine.definitionsOf = (fuse) => ({ ...(made(fuse).jobs as object) });
  const plain = recordsOf(signs, { mongo, ambient, jobs: engine });
  await plain.prepare();
  await plain.prepare();
  await engine.start();
  const reads = plain.reads as unknown as Reads;
  const run = (kind: string, input: object, script?: Script) => engine.run(kind as MutationId, input, script);
  return {
    mongo,
    engine,
    stored: ({ tenant_id, sign_id }) =>
      mongo.db.collection<StoredRecord>('test_signs').findOne({ _id: `${tenant_id}/${sign_id}` }),
    get: (params) => reads['test.signs.get']({ params, visible: 'all' }),
    list: (query = {}, visible = 'all') => reads['test.signs.list']({ query: { limit: 50, ...query }, visible }),
    put: (key, sign, expected_version, script) =>
      run('test.signs.put', { ...key, ...sign, expected_version, reason: 'a test' }, script),
    remove: (key, expected_version, script) =>
      run('test.signs.remove', { ...key, expected_version, reason: 'a test' }, script),
    undo: ({ undo }) => run(undo!.operation, { ...undo!.params, ...(undo!.body as object) }),
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await mongo.close();
    },
  };
}

export const BY = TESTER.id;
