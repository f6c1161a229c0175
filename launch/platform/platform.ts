// The reference platform that `npm start` runs: its shards, and the seed that tells the backend of them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Port, PortName } from '../machine/ports.ts';

const shards = [
  { shard_id: 'g1', kind: 'gateway', zone: 'a', port: 'PORT_GATEWAY' },
  { shard_id: 'a1', kind: 'aggregate', zone: 'a', port: 'PORT_A1' },
  { shard_id: 'a2', kind: 'aggregate', zone: 'b', port: 'PORT_A2' },
  { shard_id: 'p1', kind: 'projection', zone: 'a', port: 'PORT_P1' },
  { shard_id: 'p2', kind: 'projection', zone: 'b', port: 'PORT_P2' },
  { shard_id: 'r1', kind: 'runner', zone: 'a', port: 'PORT_R1' },
  { shard_id: 'r2', kind: 'runner', zone: 'b', port: 'PORT_R2' },
] as const satisfies readonly { shard_id: string; kind: string; zone: string; port: PortName }[];

export interface ShardPlace {
  readonly shard_id: string;
  /** The variable that moves it. */
  readonly variable: PortName;
  readonly kind: string;
  readonly port: number;
  readonly endpoint: string;
  readonly zone: string;
}

export function shardPlaces(ports: Record<PortName, Port>): ShardPlace[] {
  return shards.map(({ port: name, ...shard }) => {
    const { port } = ports[name];
    return { ...shard, variable: name, port, endpoint: `http://127.0.0.1:${port}` };
  });
}

const people = [
  ['a@b.test', 'operator'],
  ['owner@b.test', 'owner'],
  ['viewer@b.test', 'read-only'],
  ['security@b.test', 'security-admin'],
] as const;

/** What the backend starts from when its store is empty (PLATFORM_FILE). */
export function platformSeed(places: readonly ShardPlace[]): object {
  return {
    environment: 'dev',
    shards: places.map(({ shard_id, kind, endpoint, zone }) => ({
      shard_id,
      kind,
      endpoint,
      labels: { zone },
      capacity: { tenants: 100 },
      region: 'local',
    })),
    assignments: people.map(([principal, role]) => ({ principal, role, scope: { kind: 'global' } })),
    tenants: Array.from({ length: 12 }, (_, i) => `tenant-${String(i + 1).padStart(2, '0')}`),
  };
}

/**
 * The shards are recorded once, when the platform is made: on other ports the control plane would look for every node
 * where it was. One line per shard that has moved since.
 */
export function movedSince(file: string, places: readonly ShardPlace[]): string[] {
  if (!existsSync(file)) return [];
  const made = JSON.parse(readFileSync(file, 'utf8')) as { shards: { shard_id: string; endpoint: string }[] };
  return places.flatMap(({ shard_id, variable, endpoint }) => {
    const before = made.shards.find((shard) => shard.shard_id === shard_id)?.endpoint;
    if (before === undefined || before === endpoint) return [];
    return [`${shard_id} is recorded at ${before}: set ${variable} to ${new URL(before).port}`];
  });
}

export function writePlatformFile(file: string, places: readonly ShardPlace[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(platformSeed(places), null, 2)}\n`);
}
