/**
 * A plain record: listed, read, put and removed as a whole, with a version that every change has to name. Said once here;
 * the backend has its counterpart in `records/`, the plugin in `records/`, too.
 */
import { z } from 'zod';
import { mutation, read, type Risk, type ScopeRule } from '../operation.ts';
import type { Permission } from '../permissions.ts';
import { holdsSecrets } from '../secret.ts';
import { shown } from '../text.ts';
import { JobId, Json, pageOf, PageQuery, Reason, Timestamp } from '../wire.ts';

/** Former versions that a record keeps. */
export const KEPT_VERSIONS = 20;

export const RecordChange = z
  .strictObject({
    at: Timestamp.describe('When'),
    by: shown(300).describe('Who'),
    job_id: JobId.describe('Job that made it'),
  })
  .describe('The change that made this version')
  .meta({ id: 'RecordChange' });
export type RecordChange = z.infer<typeof RecordChange>;

export const FormerVersion = z
  .strictObject({
    version: z.int().describe('Its version'),
    value: Json.describe('Its fields then; null where it was removed'),
    changed: RecordChange,
  })
  .describe('A record as it was')
  .meta({ id: 'FormerVersion' });
export type FormerVersion = z.infer<typeof FormerVersion>;

const kept = {
  version: z.int().describe('Version of the record; goes up by one at every change'),
  changed: RecordChange,
};
const EXPECTED = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .describe(
    'Version that was read, or of its removal; 0 where there was none; refused with `version.stale` when it has moved on',
  );
const history = z
  .array(FormerVersion)
  .max(KEPT_VERSIONS)
  .describe(`Its former versions, the newest first, at most ${KEPT_VERSIONS}; a removal is one of them`);

type Flat<T> = { [P in keyof T]: T[P] };
type Strict<S extends z.ZodRawShape> = z.ZodObject<Flat<S>, z.core.$strict>;
type Optional<S extends z.ZodRawShape> = { [P in keyof S]: z.ZodOptional<S[P] & z.ZodType> };

type ListQuery<K extends z.ZodRawShape> = Strict<typeof PageQuery & Optional<K>>;
type View<K extends z.ZodRawShape, V extends z.ZodRawShape> = Strict<K & V & typeof kept>;
type WithHistory<K extends z.ZodRawShape, V extends z.ZodRawShape> = Strict<
  K & V & typeof kept & { history: typeof history }
>;
type Change = { expected_version: typeof EXPECTED; reason: typeof Reason };
type Nothing = z.ZodObject<{}, z.core.$strict>; // eslint-disable-line @typescript-eslint/no-empty-object-type

type Reads<N extends string, K extends z.ZodRawShape, V extends z.ZodRawShape> = {
  readonly [I in `${N}.list`]: ReturnType<typeof read<ReturnType<typeof pageOf<View<K, V>>>, Nothing, ListQuery<K>>>;
} & { readonly [I in `${N}.get`]: ReturnType<typeof read<WithHistory<K, V>, Strict<K>, Nothing>> };

type Mutations<N extends string, K extends z.ZodRawShape, V extends z.ZodRawShape> = {
  readonly [I in `${N}.put`]: ReturnType<typeof mutation<Strict<V & Change>, Strict<K>>>;
} & { readonly [I in `${N}.remove`]: ReturnType<typeof mutation<Strict<Change>, Strict<K>>> };

export interface ResourceSpec<K extends z.ZodRawShape, V extends z.ZodRawShape> {
  /** Where the list is; a record lies below it, by its key. */
  readonly path: `/${string}`;
  /** One of them, as it is called: `note`. */
  readonly one: string;
  readonly many: string;
  /** Id of its schema, in the OpenAPI document. */
  readonly id: string;
  /** Path parameters that name one, in order: words of a path, without `/`. In the scope of a tenant one is `tenant_id`. */
  readonly key: K;
  /** Its fields. They are put as a whole. */
  readonly value: V;
  readonly scope: Exclude<ScopeRule, 'filtered'>;
  readonly permission: { readonly view: Permission; readonly change: Permission };
  readonly risk: { readonly put: Risk; readonly remove: Risk };
}

export interface Resource<
  N extends string = string,
  K extends z.ZodRawShape = z.ZodRawShape,
  V extends z.ZodRawShape = z.ZodRawShape,
> {
  readonly name: N;
  readonly spec: ResourceSpec<K, V>;
  readonly reads: Reads<N, K, V>;
  readonly mutations: Mutations<N, K, V>;
}

/** Names that a record, what is asked about it, or what is kept of it has already. */
const TAKEN = [
  '_id',
  'key',
  'version',
  'changed',
  'history',
  'removed',
  'expected_version',
  'reason',
  'limit',
  'cursor',
];

/** @throws Error for a field whose name is taken, or that is secret: its values are kept, shown and given back */
export function resource<const N extends string, K extends z.ZodRawShape, V extends z.ZodRawShape>(
  name: N,
  spec: ResourceSpec<K, V>,
): Resource<N, K, V> {
  const { key, value, one, many, scope, permission, risk } = spec;
  const names = [...Object.keys(key), ...Object.keys(value)];
  const taken = names.find((field, at) => TAKEN.includes(field) || names.indexOf(field) !== at);
  if (taken !== undefined) throw new Error(`${name}: a field cannot be called ${taken}`);
  if (holdsSecrets(z.strictObject(value))) throw new Error(`${name}: a plain record has no secrets`);
  if (scope === 'tenant' && !('tenant_id' in key)) throw new Error(`${name}: its key does not name the tenant`);
  const params = z.strictObject(key);
  const view = z
    .strictObject({ ...key, ...value, ...kept })
    .describe(`A ${one}`)
    .meta({ id: spec.id });
  const item = `${spec.path}/${Object.keys(key).map((part) => `:${part}`).join('/')}` as const; // prettier-ignore
  const change = { expected_version: EXPECTED, reason: Reason };
  const made = {
    reads: {
      [`${name}.list`]: read(`${name}.list`, {
        path: spec.path,
        summary: `List ${many}, by key`,
        permission: permission.view,
        scope: scope === 'tenant' ? 'filtered' : scope,
        query: z.strictObject({ ...PageQuery, ...params.partial().shape }),
        answer: pageOf(view),
        problems: ['cursor.invalid'],
      }),
      [`${name}.get`]: read(`${name}.get`, {
        path: item,
        summary: `One ${one}, with its former versions`,
        permission: permission.view,
        scope,
        params,
        answer: z.strictObject({ ...key, ...value, ...kept, history }),
        problems: ['resource.unknown'],
      }),
    },
    mutations: {
      [`${name}.put`]: mutation(`${name}.put`, {
        method: 'PUT',
        path: item,
        summary: `Write a ${one}, over the version that was read`,
        permission: permission.change,
        scope,
        risk: risk.put,
        params,
        body: z.strictObject({ ...value, ...change }),
        problems: ['version.stale'],
      }),
      [`${name}.remove`]: mutation(`${name}.remove`, {
        path: `${item}/remove`,
        summary: `Remove a ${one}, of the version that was read`,
        permission: permission.change,
        scope,
        risk: risk.remove,
        params,
        body: z.strictObject(change),
        problems: ['resource.unknown', 'version.stale'],
      }),
    },
  };
  return { name, spec, ...made } as unknown as Resource<N, K, V>;
}
