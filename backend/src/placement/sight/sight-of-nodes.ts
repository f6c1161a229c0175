/** Nodes as something that is looked at: how they are, and whether each answers. */
import type { Ambient } from '../../kernel/ambient.ts';
import type { Feature } from '../../feature/feature.ts';
import type { NodeMetrics } from '../../node-metrics/index.ts';
import { nodeProbes, type NodesPort } from '../../ports/nodes/index.ts';
import type { PlacementBook } from '../record/placement-book.ts';
import { nodesLook } from './attention.ts';
import { sightedShards } from './sighted-shards.ts';

export interface NodesDeps {
  readonly book: PlacementBook;
  readonly nodes: NodesPort;
  readonly traffic: Pick<NodeMetrics, 'traffic' | 'figures'>;
  readonly ambient: Ambient;
}

export const sightOfNodes = ({ book, nodes, traffic, ambient }: NodesDeps) =>
  ({
    name: 'nodes',
    attention: nodesLook({ shards: (now) => sightedShards(book, now), metrics: traffic }),
    probes: nodeProbes({ nodes, ambient, shards: () => book.shards() }),
  }) satisfies Feature;
