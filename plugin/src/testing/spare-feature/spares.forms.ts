/** The forms of the spare feature. */
import { scaleMutations } from '@cloudlysis/contract';
import { formOf, type FormSpec } from '../../change/form-spec';

export const spareForms: readonly FormSpec[] = [
  formOf(scaleMutations['scale.shards.put'], {
    fields: [
      { kind: 'text', name: 'shard_id', label: 'Spare id' },
      { kind: 'number', name: 'capacity.tenants', label: 'Capacity', unit: 'tenants' },
    ],
  }),
  formOf(scaleMutations['scale.drain']),
];
