/** Every connection the control plane has, as a question that is asked now and answers with what it found. */
import type { Shard } from '@cloudlysis/contract';
import { auditLag, type Audit } from '../audit/index.ts';
import type { Config } from '../service-config.ts';
import type { KeySource } from '../identity/index.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import { nearLimits, shareOf, toldLimit, type NatsPort } from '../ports/nats/index.ts';
import type { NodesPort } from '../ports/nodes/index.ts';
import type { Ambient } from '../kernel/ambient.ts';
import type { Clocks } from '../clocks/index.ts';
import { bareUrl } from './bare-url.ts';
import { clockProbes } from './clock-probes.ts';
import type { Probe } from './probe.ts';

export interface ProbeDeps {
  readonly config: Pick<Config, 'MONGODB_URI' | 'MONGODB_DB' | 'NATS_URL' | 'PLACEMENT_SOURCE' | 'PLACEMENT_FILE'>;
  readonly ambient: Ambient;
  readonly mongo: Pick<Mongo, 'ping' | 'examine'>;
  readonly nats: Pick<NatsPort, 'ping' | 'account' | 'limits' | 'bucket' | 'placement'>;
  readonly nodes: NodesPort;
  readonly audit: Pick<Audit, 'freshness'>;
  readonly keySources: readonly KeySource[];
  readonly clocks: Clocks;
  shards(): Promise<readonly Shard[]>;
}

export async function probesOf(deps: ProbeDeps): Promise<Probe[]> {
  const shards = await deps.shards().catch(() => null);
  return [
    mongoProbe(deps),
    ...natsProbes(deps),
    ...(shards ?? []).map((shard) => nodeProbe(deps, shard)),
    ...(shards ? [] : [unreadShards]),
    ...deps.keySources.map(keyProbe),
    auditProbe(deps),
    ...clockProbes(deps.clocks),
  ];
}

const unreadShards: Probe = {
  id: 'nodes',
  title: 'Nodes',
  target: '',
  run: () => Promise.reject(new Error('the shards cannot be read from the database, so no node was asked')),
};

const mongoProbe = ({ config, mongo }: ProbeDeps): Probe => ({
  id: 'mongodb',
  title: 'MongoDB',
  target: `${bareUrl(config.MONGODB_URI)}/${config.MONGODB_DB}`,
  run: async () => {
    const ms = await mongo.ping();
    const { replicaSet, members, version } = await mongo.examine();
    const where = replicaSet === null ? 'sharded cluster' : `replica set ${replicaSet}, ${plural(members, 'member')}`;
    return `${version === null ? '' : `version ${version}, `}${where}; ping ${ms.toFixed(1)} ms, majority read and transaction work`;
  },
});

/** `850 KiB`; a store of a platform is never small enough to be told in bytes. */
const kib = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

function natsProbes({ config, nats }: ProbeDeps): Probe[] {
  const target = bareUrl(config.NATS_URL);
  const bucket = (name: string, isOurs: boolean): Probe => ({
    id: `nats.kv.${name}`,
    title: `Bucket ${name}`,
    target: `${target} ${name}`,
    run: async () => {
      const found = await nats.bucket(name);
      if (found) return `${plural(found.values, 'value')}, ${kib(found.bytes)}`;
      // The control plane makes its own; the others are the nodes', who make them when they are first needed.
      if (isOurs) throw new Error(`there is no bucket ${name}`);
      return null;
    },
  });
  const placementFile: Probe = {
    id: 'nats.kv.placement',
    title: 'Placement file',
    target: config.PLACEMENT_FILE ?? '',
    run: async () => `${plural((await nats.placement.all()).length, 'placement')}, read only`,
  };
  return [
    { id: 'nats', title: 'NATS', target, run: async () => `round trip ${(await nats.ping()).toFixed(1)} ms` },
    {
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
    },
    config.PLACEMENT_SOURCE === 'static' ? placementFile : bucket('placement', true),
    bucket('config', true),
    ...['iam_revocations', 'read_models', 'outbox', 'snapshots', 'probes'].map((name) => bucket(name, false)),
  ];
}

const nodeProbe = ({ nodes }: ProbeDeps, shard: Shard): Probe => ({
  id: `node.${shard.shard_id}`,
  title: `${shard.kind}/${shard.shard_id}`,
  target: bareUrl(shard.endpoint),
  run: async (signal) => {
    const state = await nodes.at(shard).state(signal);
    const sha = state.git_sha === 'unknown' ? '' : ` (${state.git_sha})`;
    return `version ${state.version}${sha}, ${plural(state.tenants.length, 'tenant')}${state.draining ? ', the whole node drains' : ''}`;
  },
});

const KEYS_OF = { gateway: 'Keys of the Gateway (JWKS)', grafana: 'Keys of Grafana (JWKS)' } as const;

const keyProbe = ({ id, url, check }: KeySource): Probe => ({
  id: `jwks.${id}`,
  title: KEYS_OF[id],
  target: url === null ? '' : bareUrl(url),
  run: async () => {
    if (url === null) return null;
    const keys = await check();
    if (keys === 0) throw new Error('none of its keys can be used here');
    return `${plural(keys, 'key')} can be used`;
  },
});

const auditProbe = ({ audit, ambient }: ProbeDeps): Probe => ({
  id: 'audit',
  title: 'Audit chain',
  target: 'MongoDB',
  run: async () => {
    const freshness = await audit.freshness();
    const { seq, waitingSince } = freshness;
    const lag = auditLag(freshness, ambient.now());
    if (lag) throw new Error(`${lag}; the head stands at ${seq}`);
    return `the head stands at ${seq}, ${waitingSince ? 'the newest records are being placed' : 'nothing waits'}`;
  },
});

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
