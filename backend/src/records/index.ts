/** Plain records of the contract (`resource()`): their collection, their reads and their changes, from their spec alone. */
import type { MutationId, ReadId, Resource } from '@cloudlysis/contract';
import { Problem } from '@cloudlysis/contract';
import type { z } from 'zod';
import type { InputOf, ReadHandlers } from '../call/call.ts';
import type { Visible } from '../call/principal.ts';
import type { JobDefinition } from '../jobs/define/definition.ts';
import { decodeCursor, encodeCursor } from '../kernel/paging.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import { recordJob, type RecordJobDeps, type Verb } from './record.jobs.ts';
import { createRecordStore, type Key, type RecordForm, type RecordStore } from './record.store.ts';
import { toWire } from './stored-record.ts';

export type { Considered } from './record.jobs.ts';

export interface RecordsOptions extends Omit<RecordJobDeps, 'store'> {
  readonly mongo: Pick<Mongo, 'db'>;
}

/** Whatever its key and fields are. */
type AnyResource = Pick<Resource, 'name' | 'spec'> & { readonly reads: object; readonly mutations: object };

export interface Records<R extends AnyResource> {
  readonly name: string;
  readonly reads: ReadHandlers<keyof R['reads'] & ReadId>;
  readonly jobs: { readonly [K in keyof R['mutations'] & MutationId]: JobDefinition<InputOf<K>> };
  prepare(): Promise<void>;
}

/** The collection has the resource's name. */
export function recordsOf<const R extends AnyResource>(resource: R, options: RecordsOptions): Records<R> {
  const { name, spec } = resource;
  const store = createRecordStore(options.mongo, name.replaceAll('.', '_'), formOf(resource));
  const deps = { ...options, store };
  const jobs = (['put', 'remove'] satisfies Verb[]).map((verb) => [`${name}.${verb}`, recordJob(resource, verb, deps)]); // prettier-ignore
  return {
    name,
    reads: readsOf(name, spec.one, store) as unknown as Records<R>['reads'],
    jobs: Object.fromEntries(jobs) as Records<R>['jobs'],
    prepare: () => store.prepare(),
  };
}

export function formOf({ name, spec, reads }: AnyResource): RecordForm {
  const { answers } = (reads as Record<string, { readonly answers: { readonly 200: z.ZodObject } }>)[`${name}.get`]!;
  return { parts: Object.keys(spec.key), answer: answers[200] };
}

interface ListCall {
  readonly query: { readonly limit: number; readonly cursor?: string } & Key;
  readonly visible: Visible;
}

const readsOf = (name: string, one: string, store: RecordStore) => ({
  [`${name}.list`]: async ({ query: { limit, cursor, ...key }, visible }: ListCall) => {
    const after = cursor === undefined ? null : decodeCursor(cursor, 'string');
    const { rows, unreadable, last } = await store.page({ key, visible, after, limit });
    return { items: rows.map(toWire), unreadable, next_cursor: last === null ? null : encodeCursor(last) };
  },
  [`${name}.get`]: async ({ params }: { readonly params: Key }) => {
    const record = await store.show(params);
    if (!record?.value) throw new Problem('resource.unknown', `there is no ${one} ${Object.values(params).join('/')}`);
    return toWire(record);
  },
});
