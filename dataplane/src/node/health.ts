// Readiness is measured, not assumed: the connection answers a round trip, and a write really comes back from storage.
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ambient, within } from '../platform/ambient.ts';
import type { Bus } from '../platform/bus.ts';
import type { NodeConfig } from './config.ts';

export interface Dependency {
  name: string;
  ok: boolean;
  detail?: string;
}
export interface Readiness {
  ready: boolean;
  dependencies: Dependency[];
}

const PROBE_MS = 1000;

export async function probe(name: string, check: () => Promise<string | void>): Promise<Dependency> {
  const start = ambient.ticks();
  try {
    const detail = await within(PROBE_MS, name, check());
    return { name, ok: true, detail: detail ?? `${(ambient.ticks() - start).toFixed(1)} ms` };
  } catch (err) {
    return { name, ok: false, detail: (err as Error).message };
  }
}

export async function pingNats(bus: Bus | undefined): Promise<void> {
  if (!bus?.connected()) throw new Error('not connected');
  await bus.nc.flush();
}

/** Write, read back, delete: in JetStream, where the state lives, and in DATA_DIR when there is one. */
export async function probeStorage(config: NodeConfig, bus: Bus | undefined): Promise<string> {
  const token = ambient.id();
  const start = ambient.ticks();
  if (!bus?.connected()) throw new Error('JetStream is not reachable');
  const kv = bus.kv('probes');
  const key = `${config.service}.${config.shard}`;
  await kv.put(key, token, { timeout: PROBE_MS });
  const seen = (await kv.get(key))?.string();
  await kv.delete(key);
  if (seen === undefined) throw new Error('JetStream lost the probe');
  const jetstream = ambient.ticks() - start;
  if (!config.dataDir) return `jetstream ${jetstream.toFixed(1)} ms`;
  await probeDirectory(config.dataDir, `probe-${key}-${token}`, token);
  return `jetstream ${jetstream.toFixed(1)} ms, disk ${(ambient.ticks() - start - jetstream).toFixed(1)} ms`;
}

async function probeDirectory(dir: string, name: string, token: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, name);
  const file = await open(path, 'w');
  try {
    await file.writeFile(token);
    await file.sync();
  } finally {
    await file.close();
  }
  const seen = await readFile(path, 'utf8');
  await rm(path);
  if (seen !== token) throw new Error(`${dir} does not read back what was written`);
}
