/** Whether a stored document is a tenant's record; types alone, because bounds change and what was stored before stays. */
import { z } from 'zod';
import { isPlace, NO_PLACE } from '../../kernel/paging.ts';
import type { TenantRecord } from './tenants.ts';

const Stored = z.looseObject({
  _id: z.string().refine(isPlace, NO_PLACE),
  metadata: z.looseObject({ name: z.string(), plan: z.string(), environments: z.array(z.string()) }),
  phase: z.enum(['provisioning', 'live', 'archived']),
  paused: z.looseObject({ reason: z.string(), since: z.date() }).nullable(),
  archived: z.looseObject({ at: z.date(), purge_after: z.date() }).nullable(),
  state_since: z.date(),
  version: z.number(),
  created_at: z.date(),
  updated_at: z.date(),
});

/** Which field is wrong; null where none is. */
export function tenantFault(record: TenantRecord): string | null {
  const issue = Stored.safeParse(record).error?.issues[0];
  return issue ? `${issue.path.join('.') || 'the document'}: ${issue.message}`.slice(0, 500) : null;
}
