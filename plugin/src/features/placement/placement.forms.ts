/** What the changes of placement are asked with: the main job, and what surrounds it. */
import { PLACED_KINDS, scaleMutations, type Client } from '@cloudlysis/contract';
import { fieldOf } from '../../change/field-of';
import { formOf, type FormSpec, type Field } from '../../change/form-spec';
import type { ChangeInput } from '../../change/change-input';
import { count, percent } from '../../values/figures';
import { optionsOf, type Option } from '../../values/options';

/** Past it the source resumes and nothing has moved. */
const drainLimit: Field = {
  kind: 'number',
  name: 'drain_timeout_s',
  label: 'Drain limit',
  unit: 's',
  placeholder: '30',
};

const limits: Field[] = [
  drainLimit,
  { kind: 'number', name: 'max_in_flight', label: 'In-flight limit', unit: 'commands', placeholder: '100' },
  { kind: 'number', name: 'max_consumer_lag', label: 'Lag limit', unit: 'events', placeholder: '5000' },
];

const source = (of: FormSpec['of']): Field =>
  fieldOf(of, 'source', {
    label: 'Source',
    description: 'A source that is gone is not drained and not waited for; the plan says what that means',
    options: { serving: 'Serves: drain it first', gone: 'Is gone: do not wait for it' },
  });

/** Shards of the kind that the tenant is not on already, the least loaded first. */
async function targets(client: Client, { tenant_id, kind }: ChangeInput): Promise<Option[]> {
  if (kind === undefined) {
    return [];
  }
  const placed = await client.read('scale.placements.list', { query: { tenant_id: String(tenant_id), limit: 10 } });
  const home = placed.items.find((placement) => placement.kind === kind)?.shard_id;
  return shards(client, String(kind), home === undefined ? [] : [home]);
}

async function shards(client: Client, kind: string, except: readonly string[]): Promise<Option[]> {
  const { items } = await client.read('scale.shards.list', { query: { kind: kind as 'aggregate', limit: 200 } });
  return items
    .filter(({ shard_id }) => !except.includes(shard_id))
    .sort((a, b) => a.load - b.load)
    .map(({ shard_id, load, region, health }) => ({
      value: shard_id,
      label: shard_id,
      description: `${percent(load)} of capacity · ${region} · ${health.state}`,
    }));
}

const others = async (client: Client, { shard_id }: ChangeInput): Promise<Option[]> => {
  const all = await client.read('scale.shards.list', { query: { limit: 200 } });
  const kind = all.items.find((shard) => shard.shard_id === shard_id)?.kind;
  return kind === undefined ? [] : shards(client, kind, [String(shard_id)]);
};

/** Where the tenant lives; every shard when a node is drained rather than a tenant. */
async function homes(client: Client, { tenant_id }: ChangeInput): Promise<Option[]> {
  if (tenant_id === undefined) {
    const { items } = await client.read('scale.shards.list', { query: { limit: 200 } });
    return items.map(({ shard_id, kind, tenants }) => ({
      value: shard_id,
      label: shard_id,
      description: `${kind} · ${count(tenants)} tenants`,
    }));
  }
  const { items } = await client.read('scale.placements.list', { query: { tenant_id: String(tenant_id), limit: 10 } });
  return items.map(({ shard_id, kind }) => ({ value: shard_id, label: shard_id, description: kind }));
}

const {
  'scale.migrate': migrate,
  'scale.evacuate': evacuate,
  'scale.drain': drain,
  'scale.shards.put': put,
} = scaleMutations;

const node = fieldOf(drain, 'node', {
  label: 'Node',
  description: 'A node that is gone is told when it is back',
  options: { serving: 'Answers: tell it now', gone: 'Is gone: record it' },
});

export const placementForms: readonly FormSpec[] = [
  formOf(migrate, {
    initial: { kind: 'aggregate' },
    fields: [
      { kind: 'choice', name: 'kind', label: 'Service', options: optionsOf(PLACED_KINDS) },
      { kind: 'choice', name: 'to', label: 'Target shard', options: targets },
      source(migrate),
      ...limits,
    ],
  }),
  formOf(evacuate, {
    fields: [
      {
        kind: 'choices',
        name: 'to',
        label: 'Target shards',
        description: 'Every other shard of the kind unless chosen',
        options: others,
      },
      source(evacuate),
      { kind: 'number', name: 'concurrency', label: 'At once', unit: 'tenants', placeholder: '2' },
      ...limits,
    ],
  }),
  formOf(drain, {
    initial: { action: 'drain' },
    fields: [{ kind: 'choice', name: 'shard_id', label: 'Shard', options: homes }, node, drainLimit],
  }),
  formOf(scaleMutations['scale.drift.repair']),
  formOf(put, {
    initial: { labels: {} },
    fields: [
      { kind: 'text', name: 'shard_id', label: 'Shard id', placeholder: 'a3' },
      fieldOf(put, 'kind', { label: 'Service' }),
      {
        kind: 'text',
        name: 'endpoint',
        label: 'Endpoint',
        placeholder: 'http://10.0.0.7:8101',
        description: 'Base URL of the node’s admin endpoints',
      },
      { kind: 'number', name: 'capacity.tenants', label: 'Capacity', unit: 'tenants' },
      { kind: 'text', name: 'region', label: 'Region', placeholder: 'eu-1' },
    ],
  }),
];
