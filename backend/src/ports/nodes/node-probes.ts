/** The nodes as connections: each is asked for its state now. */
import type { Shard } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { bareUrl } from '../../kernel/bare-url.ts';
import { plural } from '../../kernel/figures.ts';
import { within } from '../../kernel/time.ts';
import type { Probe } from '../../feature/probe.ts';
import type { NodesPort } from './nodes-port.ts';

export interface NodeProbeDeps {
  readonly nodes: NodesPort;
  readonly ambient: Ambient;
  shards(): Promise<readonly Shard[]>;
}

/** A database that hangs must not keep the nodes from being tested: those that were known are. */
const SHARDS_MS = 300;

export function nodeProbes({ nodes, ambient, shards }: NodeProbeDeps): () => Promise<Probe[]> {
  let known: readonly Shard[] | undefined;
  return async () => {
    const read = shards().then(
      (all) => (known = all),
      () => undefined,
    );
    await within(ambient, SHARDS_MS, read, () => undefined);
    return known ? known.map((shard) => nodeProbe(nodes, shard)) : [unread];
  };
}

const unread: Probe = {
  id: 'nodes',
  title: 'Nodes',
  target: '',
  run: () => Promise.reject(new Error('the shards cannot be read from the database, so no node was asked')),
};

const nodeProbe = (nodes: NodesPort, shard: Shard): Probe => ({
  id: `node.${shard.shard_id}`,
  title: `${shard.kind}/${shard.shard_id}`,
  target: bareUrl(shard.endpoint),
  run: async (signal) => {
    const state = await nodes.at(shard).state(signal);
    const sha = state.git_sha === 'unknown' ? '' : ` (${state.git_sha})`;
    return `version ${state.version}${sha}, ${plural(state.tenants.length, 'tenant')}${state.draining ? ', the whole node drains' : ''}`;
  },
});
