// Which shard serves which tenant, and which tenants are paused: the two tables the control plane steers a node with.
import { readFile } from 'node:fs/promises';
import type { Bus } from './bus.ts';
import { BucketStream } from './bucket-stream.ts';
import { KvMirror, type FollowerState, type HealCause, type Mirrored } from './kv-mirror.ts';
import { TENANT_ID, type Kind } from './names.ts';
import { Problem } from './problem.ts';
import { RevisionedTable, type Revisioned } from './revisioned-table.ts';

export interface Placement extends Revisioned {
  shard: string;
  job_id: string | null;
}
export interface TenantFlags extends Revisioned {
  paused: boolean;
  reason: string;
}
export type PlacementTable = RevisionedTable<Placement>;
export type FlagsTable = RevisionedTable<TenantFlags>;

export interface Source {
  /** Takes the source as it is. */
  reload(): Promise<void>;
  /** Reads again after a loss that nobody asked for. */
  heal(): Promise<void>;
  refresh(key: string): Promise<void>;
  stop(): void;
  /** Null for a source that is not followed. */
  state(): FollowerState | null;
  readonly inDoubt: boolean;
}

export const placementKey = (kind: Kind, tenant: string): string => `${kind}.${tenant}`;
export const flagsKey = (tenant: string): string => `tenants.${tenant}`;

/** The tenant in `<prefix>.<tenant>`, or undefined when the key is not of that form. */
export function tenantOf(key: string, prefix: string): string | undefined {
  const tenant = key.startsWith(`${prefix}.`) ? key.slice(prefix.length + 1) : '';
  return TENANT_ID.test(tenant) ? tenant : undefined;
}

export function parsePlacement(value: unknown): Placement | undefined {
  const { shard, revision, job_id } = (value ?? {}) as Partial<Record<keyof Placement, unknown>>;
  if (typeof shard !== 'string' || !isRevision(revision)) return undefined;
  return { shard, revision, job_id: typeof job_id === 'string' ? job_id : null };
}

export function parseFlags(value: unknown): TenantFlags | undefined {
  const { paused, reason, revision } = (value ?? {}) as Partial<Record<keyof TenantFlags, unknown>>;
  if (typeof paused !== 'boolean' || !isRevision(revision)) return undefined;
  return { paused, reason: typeof reason === 'string' ? reason : '', revision };
}

const isRevision = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export const createKvSource = (
  bus: Bus,
  bucket: 'placement' | 'config' | 'iam_revocations',
  keys: string[],
  into: Mirrored,
  healed?: (bucket: string, cause: HealCause) => void,
): Source => new KvMirror(new BucketStream(bus, bucket, keys), into, (cause) => healed?.(bucket, cause));

/** Development: `{ "<kind>.<tenant>": {shard, revision, job_id} }`, read at start and on reload only. */
export function createFileSource(path: string, into: { replace(entries: Map<string, unknown>): void }): Source {
  const reload = async (): Promise<void> => {
    const text = await readFile(path, 'utf8');
    try {
      into.replace(new Map(Object.entries(JSON.parse(text) as Record<string, unknown>)));
    } catch (err) {
      throw new Problem('request.invalid', `placement file is not JSON: ${(err as Error).message}`);
    }
  };
  const nothing = (): Promise<void> => Promise.resolve();
  return { reload, heal: reload, refresh: nothing, stop: () => undefined, state: () => null, inDoubt: false };
}
