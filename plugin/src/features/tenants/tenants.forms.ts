/** What the changes of tenants are asked with. */
import { PLACED_KINDS, tenantBulkMutations, tenantMutations, type Client } from '@cloudlysis/contract';
import { fieldOf } from '../../change/field-of';
import { formOf, type FormSpec, type Field } from '../../change/form-spec';
import type { Option } from '../../values/options';

type Kind = (typeof PLACED_KINDS)[number];

const shardField = (kind: Kind): Field => ({
  kind: 'choice',
  name: `shards.${kind}`,
  label: `${kind[0]?.toUpperCase()}${kind.slice(1)} shard`,
  description: 'The least loaded one unless chosen',
  options: (client: Client) => shardOptions(client, kind),
});

async function shardOptions(client: Client, kind: Kind): Promise<Option[]> {
  const { items } = await client.read('scale.shards.list', { query: { kind, limit: 200 } });
  return items.map(({ shard_id, tenants, region }) => ({
    value: shard_id,
    label: shard_id,
    description: `${tenants} tenants · ${region}`,
  }));
}

const plan = (of: FormSpec['of']): Field => fieldOf(of, 'metadata.plan', { label: 'Plan' });

export const tenantForms: readonly FormSpec[] = [
  formOf(tenantMutations['tenants.create'], {
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
      plan(tenantMutations['tenants.create']),
      ...PLACED_KINDS.map(shardField),
    ],
  }),
  formOf(tenantMutations['tenants.update'], {
    fields: [{ kind: 'text', name: 'metadata.name', label: 'Name' }, plan(tenantMutations['tenants.update'])],
  }),
  formOf(tenantMutations['tenants.pause']),
  formOf(tenantMutations['tenants.resume']),
  formOf(tenantMutations['tenants.archive']),
  formOf(tenantMutations['tenants.restore']),
  formOf(tenantBulkMutations['tenants.bulk_pause']),
  formOf(tenantBulkMutations['tenants.bulk_resume']),
  formOf(tenantBulkMutations['tenants.bulk_archive']),
];
