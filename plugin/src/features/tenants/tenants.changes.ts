/** What can be changed about tenants. */
import type { Client } from '@cloudlysis/contract';
import { defineChange, type ChangeSpec, type Field } from '../../change/change-spec';
import { optionsOf, type Option } from '../../values/options';

/** The ids, or of a job in a list how many there are and the name of a single one. */
const many = ({ tenant_ids, tenant_id, tenant_count }: Record<string, unknown>): string => {
  const ids = tenant_ids as string[] | undefined;
  const count = ids?.length ?? (tenant_count as number | undefined) ?? 1;
  return count === 1 ? String(ids?.[0] ?? tenant_id) : `${count} tenants`;
};
const named = (input: Record<string, unknown>): string => String(input['tenant_id'] ?? 'tenant');

const shardField = (kind: 'aggregate' | 'projection' | 'runner'): Field => ({
  kind: 'choice',
  name: `shards.${kind}`,
  label: `${kind[0]?.toUpperCase()}${kind.slice(1)} shard`,
  description: 'The least loaded one unless chosen',
  options: (client: Client) => shardOptions(client, kind),
});

async function shardOptions(client: Client, kind: 'aggregate' | 'projection' | 'runner'): Promise<Option[]> {
  const { items } = await client.read('scale.shards.list', { query: { kind, limit: 200 } });
  return items.map(({ shard_id, tenants, region }) => ({
    value: shard_id,
    label: shard_id,
    description: `${tenants} tenants · ${region}`,
  }));
}

export const PLANS = ['free', 'pro', 'enterprise'] as const;

export const tenantChanges: ChangeSpec[] = [
  defineChange('tenants.create', {
    verb: 'New tenant',
    title: ({ tenant_id }) => (tenant_id ? `Create ${String(tenant_id)}` : 'New tenant'),
    initial: { metadata: { plan: 'free' } },
    fields: [
      {
        kind: 'text',
        name: 'tenant_id',
        label: 'Tenant id',
        description: 'Lower-case letters, digits and dashes; it never changes',
        placeholder: 'acme',
      },
      { kind: 'text', name: 'metadata.name', label: 'Name', placeholder: 'Acme Ltd' },
      { kind: 'choice', name: 'metadata.plan', label: 'Plan', options: optionsOf(PLANS) },
      shardField('aggregate'),
      shardField('projection'),
      shardField('runner'),
    ],
  }),
  defineChange('tenants.update', {
    verb: 'Edit',
    title: (input) => `Edit ${named(input)}`,
    fields: [
      { kind: 'text', name: 'metadata.name', label: 'Name' },
      { kind: 'choice', name: 'metadata.plan', label: 'Plan', options: optionsOf(PLANS) },
    ],
  }),
  defineChange('tenants.pause', { verb: 'Pause', title: (input) => `Pause ${named(input)}`, fields: [] }),
  defineChange('tenants.resume', { verb: 'Resume', title: (input) => `Resume ${named(input)}`, fields: [] }),
  defineChange('tenants.archive', { verb: 'Archive', title: (input) => `Archive ${named(input)}`, fields: [] }),
  defineChange('tenants.restore', { verb: 'Restore', title: (input) => `Restore ${named(input)}`, fields: [] }),
  defineChange('tenants.bulk_pause', { verb: 'Pause', title: (input) => `Pause ${many(input)}`, fields: [] }),
  defineChange('tenants.bulk_resume', { verb: 'Resume', title: (input) => `Resume ${many(input)}`, fields: [] }),
  defineChange('tenants.bulk_archive', { verb: 'Archive', title: (input) => `Archive ${many(input)}`, fields: [] }),
];
