/** The real service behind the page tests: who may speak to it, what a test brings about before a page looks at it. */
import { createClient, type Client, type Job, type MutationId, type SubmitInput } from '@cloudlysis/contract';

/** `nobody` is signed in and holds no role; `newcomer` holds one on a tenant that there is not yet. */
export type Role = 'owner' | 'operator' | 'read-only' | 'support' | 'nobody' | 'newcomer';

interface PageService {
  readonly url: string;
  readonly tokens: Record<Role, string>;
  readonly nodes: Record<string, string>;
  readonly nodeToken: string;
}

export const service = (): PageService => JSON.parse(process.env['PAGE_SERVICE'] ?? '{}') as PageService;

export const serviceAs = (role: Role): Client =>
  createClient({
    baseUrl: service().url,
    fetch,
    headers: () => ({ authorization: `Bearer ${service().tokens[role]}` }),
  });

/** A change from its plan to its end, as somebody else would have made it. */
export async function changed<K extends MutationId>(
  id: K,
  input: Pick<SubmitInput<K>, 'params' | 'body'>,
  role: Role = 'owner'
): Promise<Job> {
  const client = serviceAs(role);
  const { hash } = await client.preflight(id, input as never);
  const asked = { ...input, planHash: hash, idempotencyKey: crypto.randomUUID() };
  const { job } = await client.submit(id, asked as never);
  return client.follow(job.job_id, () => undefined);
}

/** Makes a node of the platform behave badly; `{ in_flight: 0 }` and the like make it well again. */
export async function fault(shard: string, faults: Record<string, unknown>): Promise<void> {
  const { nodes, nodeToken } = service();
  const headers = { authorization: `Bearer ${nodeToken}`, 'content-type': 'application/json' };
  const answer = await fetch(`${nodes[shard]}/admin/faults`, { method: 'POST', headers, body: JSON.stringify(faults) });
  if (!answer.ok) {
    throw new Error(`${shard} took no faults: HTTP ${answer.status}`);
  }
}
