/** Every shard as a choice of a filter. */
import { control } from '../api/control';
import type { Option } from '../values/options';

export async function shardOptions(): Promise<Option[]> {
  const { items } = await control.read('scale.shards.list', { query: { limit: 200 } });
  return items.map(({ shard_id, kind }) => ({ value: shard_id, label: shard_id, description: kind }));
}
