// The example of CONTRIBUTING.md, which shows it from `export` on as it stands here: a change that somebody else approves.
import type { InputOf } from '../../call/call.ts';
import { defineJob } from '../define/define-job.ts';
import type { JobDefinition } from '../define/definition.ts';

interface Tenants {
  nextWindow(): Date;
  pause(tenantId: string): Promise<void>;
  resume(tenantId: string): Promise<void>;
}
const DAY_MS = 86_400_000;

export const pauseOnceApproved = (tenants: Tenants): JobDefinition<InputOf<'tenants.pause'>> =>
  defineJob('tenants.pause', {
    lane: ({ tenant_id }) => `tenant:${tenant_id}`,
    tenantId: ({ tenant_id }) => tenant_id,
    resource: ({ tenant_id }) => `tenant:${tenant_id}`,
    plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: 'Resume it.' }),
    steps: [
      { name: 'ask', title: 'Wait for an approval', signal: { name: 'approval', permission: 'tenants.archive', notByRequester: true, withinMs: DAY_MS } },
      { name: 'window', title: 'Wait for the window', until: () => tenants.nextWindow() },
      { name: 'pause', title: 'Pause it', run: ({ input }) => tenants.pause(input.tenant_id), compensate: ({ input }) => tenants.resume(input.tenant_id) },
    ],
    verify: async () => ({ checks: [], facts: {} }),
  }); // prettier-ignore
