/** With a static file the file is the record (SCL-03): what it says is taken over into MongoDB at every start. */
import { ServiceKind, TenantId } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { NatsPort } from '../../ports/nats/index.ts';
import type { PlacementStore } from './placement.store.ts';
import type { Publication } from './publication.ts';

interface AdoptDeps {
  readonly nats: NatsPort;
  readonly store: PlacementStore;
  readonly publication: Publication;
  readonly logger: Logger;
}

const ADOPTED = 'static';

export async function adoptStatic({ nats, store, publication, logger }: AdoptDeps): Promise<void> {
  for (const { key, value } of await nats.placement.all()) {
    const dot = key.indexOf('.');
    const kind = ServiceKind.safeParse(key.slice(0, dot));
    const tenant = TenantId.safeParse(key.slice(dot + 1));
    if (!kind.success || !tenant.success) {
      logger.warn({ key: key.slice(0, 200) }, 'a key of the placement file is not <kind>.<tenant>');
      continue;
    }
    const record = await store.find(kind.data, tenant.data);
    if (record?.shard_id === value.shard && record.revision === value.revision) continue;
    const next = {
      _id: key,
      tenant_id: tenant.data,
      kind: kind.data,
      shard_id: value.shard,
      revision: value.revision,
      job_id: record?.job_id ?? ADOPTED,
    };
    await publication.swap(next, record?.revision ?? null);
  }
}
