/** Tests every connection at once; each has its time, and one that hangs costs the others nothing. */
import pLimit from 'p-limit';
import { Problem, type Connection } from '@cloudlysis/contract';
import type { Ambient } from '../kernel/ambient.ts';
import { bareText } from '../kernel/bare-url.ts';
import type { Probe } from '../feature/probe.ts';

export const PROBE_MS = 2_500;
/** Tested at once; nodes beyond it begin as others end. */
const AT_ONCE = 64;

export async function testConnections(
  probes: readonly Probe[],
  ambient: Ambient,
  signal?: AbortSignal,
): Promise<Connection[]> {
  const over = new AbortController();
  const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const late = ambient.sleep(PROBE_MS, stop).then(
    () => over.abort(),
    () => undefined,
  );
  try {
    return await pLimit(AT_ONCE).map(probes, (probe) => testOne(probe, ambient, late, stop));
  } finally {
    over.abort();
  }
}

async function testOne(
  probe: Probe,
  ambient: Ambient,
  late: Promise<unknown>,
  signal: AbortSignal,
): Promise<Connection> {
  const began = ambient.monotonic();
  const timeout = late.then(() => Promise.reject(new Problem('internal', `no answer within ${PROBE_MS} ms`)));
  timeout.catch(() => undefined);
  const about = { id: probe.id, title: probe.title, target: probe.target };
  const at = (): string => ambient.now().toISOString();
  try {
    const detail = await Promise.race([probe.run(signal), timeout]);
    if (detail === null)
      return { ...about, state: 'not-configured', latency_ms: null, detail: 'there is none', checked_at: at() };
    const latency_ms = Math.round((ambient.monotonic() - began) * 10) / 10;
    return { ...about, state: 'ok', latency_ms, detail, checked_at: at() };
  } catch (error) {
    return { ...about, state: 'failed', latency_ms: null, detail: bareText(reasonOf(error)), checked_at: at() };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed without a reason';
  // What fetch throws says nothing; its cause does.
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && !(error instanceof Problem) ? `${error.message} (${code})` : error.message;
}
