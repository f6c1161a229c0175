/** Tests every connection; each has a time of its own, so that many which hang make no sound one look silent. */
import pLimit from 'p-limit';
import { Problem, type Connection } from '@cloudlysis/contract';
import type { Ambient } from '../kernel/ambient.ts';
import { bareText } from '../kernel/bare-url.ts';
import { within } from '../kernel/time.ts';
import type { Probe } from '../feature/probe.ts';

/** Where it is, its feature says. */
export type TestedConnection = Omit<Connection, 'environment'>;

export const PROBE_MS = 2_500;
/** Tested at once; nodes beyond it begin as others end. */
const AT_ONCE = 64;
/** None begins later than this: with 448 that hang the answer comes after 17.5 s, and a request has 30. */
export const BEGIN_MS = 15_000;

export function testConnections(
  probes: readonly Probe[],
  ambient: Ambient,
  signal?: AbortSignal,
): Promise<TestedConnection[]> {
  const began = ambient.monotonic();
  return pLimit(AT_ONCE).map(probes, (probe) =>
    ambient.monotonic() - began < BEGIN_MS ? testOne(probe, ambient, signal) : notAsked(probe, ambient),
  );
}

type Verdict = Pick<Connection, 'state' | 'latency_ms' | 'detail'>;

const told = ({ id, title, target }: Probe, verdict: Verdict, ambient: Ambient): TestedConnection => ({
  id,
  title,
  target,
  ...verdict,
  checked_at: ambient.now().toISOString(),
});

const notAsked = (probe: Probe, ambient: Ambient): TestedConnection => {
  const detail = 'not asked: too many others did not answer';
  return told(probe, { state: 'not-asked', latency_ms: null, detail }, ambient);
};

async function testOne(probe: Probe, ambient: Ambient, signal?: AbortSignal): Promise<TestedConnection> {
  const over = new AbortController();
  const began = ambient.monotonic();
  const late = (): never => {
    throw new Problem('internal', `no answer within ${PROBE_MS} ms`);
  };
  const work = async (): Promise<string | null> =>
    probe.run(signal ? AbortSignal.any([signal, over.signal]) : over.signal);
  const verdict = await within(ambient, PROBE_MS, work(), late).then(
    (detail): Verdict => {
      if (detail === null) return { state: 'not-configured', latency_ms: null, detail: 'there is none' };
      return { state: 'ok', latency_ms: Math.round((ambient.monotonic() - began) * 10) / 10, detail };
    },
    (error: unknown): Verdict => ({ state: 'failed', latency_ms: null, detail: bareText(reasonOf(error)) }),
  );
  over.abort();
  return told(probe, verdict, ambient);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed without a reason';
  // What fetch throws says nothing; its cause does.
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && !(error instanceof Problem) ? `${error.message} (${code})` : error.message;
}
