/** NATS as something that is looked at: JetStream, its streams' limits, and the buckets that nodes and control plane share. */
import { bareUrl } from '../../kernel/bare-url.ts';
import { plural } from '../../kernel/figures.ts';
import type { Feature } from '../../feature/feature.ts';
import type { Probe } from '../../feature/probe.ts';
import { natsLook } from './attention.ts';
import type { NatsPort } from './port/nats-port.ts';
import { nearLimits, shareOf, toldLimit } from './streams/near-limits.ts';

export interface NatsSight {
  readonly nats: Pick<NatsPort, 'ping' | 'account' | 'limits' | 'bucket' | 'placement'>;
  readonly environment: {
    readonly natsUrl: string;
    readonly placementSource: 'kv' | 'static';
    readonly placementFile: string | undefined;
  };
}

/** The nodes', who make them when they are first needed. */
const OTHERS = ['iam_revocations', 'read_models', 'outbox', 'snapshots', 'probes'];

export function natsFeature({ nats, environment }: NatsSight) {
  const target = bareUrl(environment.natsUrl);
  const placement =
    environment.placementSource === 'static'
      ? placementFile(nats, environment.placementFile ?? '')
      : bucket(nats, target, 'placement', true);
  return {
    name: 'nats',
    attention: natsLook(nats),
    probes: () => [
      { id: 'nats', title: 'NATS', target, run: async () => `round trip ${(await nats.ping()).toFixed(1)} ms` },
      jetstream(nats, target),
      placement,
      bucket(nats, target, 'config', true),
      ...OTHERS.map((name) => bucket(nats, target, name, false)),
    ],
  } satisfies Feature;
}

/** `850 KiB`; a store of a platform is never small enough to be told in bytes. */
const kib = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

const bucket = (nats: NatsSight['nats'], target: string, name: string, isOurs: boolean): Probe => ({
  id: `nats.kv.${name}`,
  title: `Bucket ${name}`,
  target: `${target} ${name}`,
  run: async () => {
    const found = await nats.bucket(name);
    if (found) return `${plural(found.values, 'value')}, ${kib(found.bytes)}`;
    if (isOurs) throw new Error(`there is no bucket ${name}`);
    return null;
  },
});

const placementFile = (nats: NatsSight['nats'], target: string): Probe => ({
  id: 'nats.kv.placement',
  title: 'Placement file',
  target,
  run: async () => `${plural((await nats.placement.all()).length, 'placement')}, read only`,
});

const jetstream = (nats: NatsSight['nats'], target: string): Probe => ({
  id: 'jetstream',
  title: 'JetStream',
  target,
  run: async () => {
    const [{ storedBytes, limitBytes, streams, consumers }, limits] = await Promise.all([
      nats.account(),
      nats.limits(),
    ]);
    const near = nearLimits(limits);
    const full = near.filter((one) => shareOf(one) >= 1);
    if (full.length > 0) throw new Error(`at its limit: ${full.map(toldLimit).join('; ')}`);
    const events = limits.filter(({ stream, what }) => stream === 'EVENTS' && what === 'consumers');
    const told = [...new Set([...events, ...near])].map((one) => `; ${toldLimit(one)}`).join('');
    const of =
      limitBytes === null
        ? 'without a limit'
        : `of ${kib(limitBytes)} (${Math.round((storedBytes / limitBytes) * 100)} %)`;
    return `${kib(storedBytes)} stored ${of}, ${plural(streams, 'stream')}, ${plural(consumers, 'consumer')}${told}`;
  },
});
