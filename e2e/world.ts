// What is true of a tenant in record, publication, JetStream and nodes, as one value that two runs can be compared by.
import { jetstreamManager } from '@nats-io/jetstream';
import type { ServiceKind } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import type { Stack } from '../backend/testing/stack.ts';
import { entry, published } from './journey.ts';

const PLACED = ['aggregate', 'projection', 'runner'] as const satisfies ServiceKind[];

interface TenantDocument {
  readonly _id: string;
  readonly phase: string;
  readonly paused: unknown;
  readonly metadata: { readonly name: string };
}

interface PlacementDocument {
  readonly _id: string;
  readonly shard_id: string | null;
  readonly revision: number;
}

/** Without ids, revisions and times, and without the shard's name: only whether all agree on it. */
export async function tenantWorld(stack: Stack, tenantId: string): Promise<Record<string, unknown>> {
  const [record, flag, consumers, gateway, ...placed] = await Promise.all([
    stack.db.collection<TenantDocument>('tenants').findOne({ _id: tenantId }),
    entry<{ paused: boolean }>(stack, 'config', `tenants.${tenantId}`),
    consumersOf(stack, tenantId),
    stack.node('g1').tenant(tenantId),
    ...PLACED.map((kind) => placedWorld(stack, kind, tenantId)),
  ]);
  return {
    phase: record?.phase ?? 'absent',
    paused: record ? record.paused !== null : null,
    name: record?.metadata.name ?? null,
    flag: flag?.paused ?? null,
    consumers,
    gateway: gateway?.state ?? 'absent',
    ...Object.fromEntries(PLACED.map((kind, index) => [kind, placed[index]])),
  };
}

async function consumersOf(stack: Stack, tenantId: string): Promise<string[]> {
  const jsm = await jetstreamManager(stack.nc);
  const names = [`projection-${tenantId}`, `runner-${tenantId}`];
  const found = await Promise.all(
    names.map((name) =>
      jsm.consumers.info('EVENTS', name).then(
        () => name,
        () => null,
      ),
    ),
  );
  return found.filter((name) => name !== null).map((name) => name.slice(0, name.indexOf('-')));
}

async function placedWorld(stack: Stack, kind: ServiceKind, tenantId: string): Promise<string> {
  const nodes = [...stack.nodes.values()].filter((node) => node.spec.args.at(-1) === kind);
  const [record, entered, ...states] = await Promise.all([
    stack.db.collection<PlacementDocument>('placements').findOne({ _id: `${kind}.${tenantId}` }),
    published(stack, kind, tenantId),
    ...nodes.map((node) => node.tenant(tenantId)),
  ]);
  const holders = nodes.flatMap((node, index) => (states[index] ? [`${node.spec.name} ${states[index].state}`] : []));
  const home = record?.shard_id ?? null;
  if (home === null && entered === null && holders.length === 0) return 'nowhere';
  const agreed = home === entered?.shard && record?.revision === entered?.revision;
  if (agreed && holders.length === 1 && holders[0]!.startsWith(`${home} `)) return holders[0]!.slice(home!.length + 1);
  return `recorded ${home} at ${record?.revision}, published ${JSON.stringify(entered)}, held by [${holders.join(', ')}]`;
}

/** Waits until the world is as expected; the last difference is what jest then shows. */
export async function settledWorld(look: () => Promise<unknown>, expected: unknown, ms = 5_000): Promise<unknown> {
  let last: unknown;
  const same = async (): Promise<boolean> => JSON.stringify((last = await look())) === JSON.stringify(expected);
  await eventually('the world is as expected', same, ms).catch(() => undefined);
  return last;
}
