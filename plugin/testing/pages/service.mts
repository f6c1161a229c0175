// The real platform and service behind the page tests, until its input ends. Prints one line: where, and as whom.
import { startStack } from '../../../backend/testing/stack.ts';

const ROLES = ['owner', 'operator', 'read-only', 'support'] as const;

// Whoever has just been let in for a tenant that is still to come: every list is empty.
const newcomer = 'newcomer@b.test';
const assignments = [
  { principal: newcomer, role: 'operator', scope: { kind: 'tenant', tenant_id: 'to-come' } },
] as const;

const stack = await startStack({ tenants: 12, ownMongo: true, assignments });
const tokens = {
  ...Object.fromEntries(ROLES.map((role) => [role, stack.bearer(role)])),
  nobody: await stack.token({ email: 'nobody@b.test' }),
  newcomer: await stack.token({ email: newcomer }),
};
const nodes = Object.fromEntries([...stack.nodes].map(([shard, { url }]) => [shard, url]));
process.stdout.write(`${JSON.stringify({ url: stack.url(), tokens, nodes, nodeToken: stack.layout.nodeToken })}\n`);
process.stdin.resume().once('end', async () => {
  await stack.stop();
  process.exit(0);
});
