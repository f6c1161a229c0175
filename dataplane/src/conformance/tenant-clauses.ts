// The clauses about a tenant's life on a node: placed, fenced, paused, drained, resumed, moved away. In this order.
import { ambient } from '../platform/ambient.ts';
import { expect, holdsWithin, tenantIn, type Clause, type Context } from './clause.ts';
import { expectState } from './http-clauses.ts';

const HOT_MS = 2000;
const DRAIN_MS = 5000;
const CATCH_UP_MS = 5000;
const FOLLOWERS: Clause['kinds'] = ['projection', 'runner'];
const SHARDED: Clause['kinds'] = ['aggregate', 'projection', 'runner'];

export const tenantClauses: Clause[] = [
  { id: 'PC-30', title: 'every stream has room for the consumers of its tenants', needs: 'nats', check: room },
  { id: 'PC-15', title: 'a placement in KV is applied without a restart', needs: 'nats', check: placed },
  { id: 'PC-16', title: 'a placement of an older revision is ignored', needs: 'nats', check: stale },
  {
    id: 'PC-17',
    title: 'one command is one event; again is a duplicate',
    kinds: ['aggregate'],
    needs: 'nats',
    check: command,
  },
  {
    id: 'PC-18',
    title: 'a foreign write is noticed, versions stay whole',
    kinds: ['aggregate'],
    needs: 'nats',
    check: foreign,
  },
  { id: 'PC-19', title: 'the durable consumer follows the log', kinds: FOLLOWERS, needs: 'nats', check: follows },
  {
    id: 'PC-20',
    title: 'a rebuild reaches the head of the log',
    kinds: ['projection'],
    needs: 'tenant',
    check: rebuild,
  },
  { id: 'PC-21', title: 'the pause flag is obeyed', needs: 'nats', check: paused },
  { id: 'PC-22', title: 'a tenant drains, and draining again changes nothing', needs: 'tenant', check: drain },
  { id: 'PC-29', title: 'a drained tenant stays drained through a reload', needs: 'tenant', check: keeps },
  { id: 'PC-23', title: 'a drained tenant takes nothing new', kinds: SHARDED, needs: 'nats', check: shut },
  { id: 'PC-24', title: 'a tenant resumes, and resuming again changes nothing', needs: 'tenant', check: resume },
  { id: 'PC-25', title: 'a tenant placed elsewhere is let go', needs: 'nats', check: moved },
];

async function tenantState({ call, tenant }: Context): Promise<any> {
  return tenantIn((await call('GET', '/admin/state')).json, tenant);
}

/** Not of this node alone: whoever makes a stream says how many consumers it may have, and whoever starts looks. */
async function room({ probe }: Context): Promise<void> {
  const cramped = await probe!.cramped();
  expect(cramped.length === 0, `too few consumers allowed: ${cramped.join(', ')}`);
}

async function placed(context: Context): Promise<void> {
  await context.probe!.place(context.shard, 5);
  const here = async (): Promise<boolean> => (await tenantState(context))?.placement_revision === 5;
  await holdsWithin(context, HOT_MS, here, 'the tenant did not appear in /admin/state at revision 5');
  const { json } = await context.call('GET', '/admin/state');
  expect(json.placement_revision >= 5, `placement_revision is ${json.placement_revision} after revision 5 was applied`);
}

async function stale(context: Context): Promise<void> {
  await context.probe!.place('conformance-elsewhere', 4);
  await ambient.sleep(300);
  await context.call('POST', '/admin/reload', {});
  const now = await tenantState(context);
  await context.probe!.place(context.shard, 5);
  expect(now?.placement_revision === 5, 'revision 4 was applied over revision 5');
}

async function command({ probe, shard }: Context): Promise<void> {
  const first = await probe!.command(shard, 'conformance-1');
  expect(first.ok && first.result.version === 1, `the first command was answered ${JSON.stringify(first)}`);
  const again = await probe!.command(shard, 'conformance-1');
  expect(again.ok && again.result.duplicate && again.result.version === 1, `its repetition: ${JSON.stringify(again)}`);
  const events = await probe!.events();
  expect(events.length === 1, `the log holds ${events.length} events after one command sent twice`);
  const fields = ['event_id', 'tenant_id', 'version', 'command_id', 'type', 'data', 'at', 'shard_id'];
  const missing = fields.filter((name) => !Object.hasOwn(events[0]!, name));
  expect(missing.length === 0, `the event lacks ${missing.join(', ')}`);
}

async function foreign({ probe, shard }: Context): Promise<void> {
  const { version } = await probe!.append();
  const reply = await probe!.command(shard, 'conformance-2');
  expect(
    reply.ok && reply.result.version === version + 1,
    `after a foreign version ${version}: ${JSON.stringify(reply)}`,
  );
  const versions = (await probe!.events()).map((event) => event.version);
  expect(
    versions.every((one, index) => one === index + 1),
    `versions in the log: ${versions.join(', ')}`,
  );
}

async function follows(context: Context): Promise<void> {
  const { probe } = context;
  await probe!.append();
  const done = async (): Promise<boolean> => (await probe!.behind()) === 0;
  await holdsWithin(
    context,
    CATCH_UP_MS,
    done,
    "the tenant's durable consumer is missing or did not acknowledge the event",
  );
}

async function rebuild(context: Context): Promise<void> {
  const { call, tenant } = context;
  const asked = await call('POST', '/admin/rebuild', { tenant_id: tenant });
  expect(asked.status === 202 && asked.json?.rebuild_id, `POST /admin/rebuild answered ${asked.status}`);
  const path = `/admin/rebuild/${asked.json.rebuild_id}`;
  let seen: any;
  const done = async (): Promise<boolean> => (seen = (await call('GET', path)).json)?.state === 'succeeded';
  await holdsWithin(context, CATCH_UP_MS, done, `${path} did not succeed`);
  expect(seen.processed === seen.target && seen.tenant_id === tenant, `processed ${seen.processed} of ${seen.target}`);
  expect((await call('GET', '/admin/rebuild/no-such')).status === 404, 'an unknown rebuild is not a 404');
}

async function paused(context: Context): Promise<void> {
  await context.probe!.pause(true, 1);
  const is = (state: string) => async (): Promise<boolean> => (await tenantState(context))?.state === state;
  await holdsWithin(context, HOT_MS, is('paused'), 'the tenant is not "paused" after the flag was set');
  if (context.kind === 'aggregate') {
    const reply = await context.probe!.command(context.shard, 'conformance-paused');
    expect(!reply.ok && reply.code === 'tenant.paused', `a command for a paused tenant: ${JSON.stringify(reply)}`);
  }
  await context.probe!.pause(false, 2);
  await holdsWithin(context, HOT_MS, is('serving'), 'the tenant is not "serving" after the flag was taken back');
}

async function drain(context: Context): Promise<void> {
  const { call, tenant } = context;
  for (const turn of ['first', 'second']) {
    const { status, json } = await call('POST', '/admin/drain', { tenant_id: tenant });
    expect(status === 202, `the ${turn} POST /admin/drain answered ${status}`);
    const one = tenantIn(json, tenant);
    expect(['draining', 'drained'].includes(one?.state), `the answer says ${JSON.stringify(one?.state)}`);
    const converged = async (): Promise<boolean> =>
      tenantIn((await call('GET', '/admin/drain')).json, tenant)?.state === 'drained';
    await holdsWithin(context, DRAIN_MS, converged, 'the tenant did not become "drained"');
  }
  const { json } = await call('GET', '/admin/state');
  expect(json.draining === false, 'draining one tenant drained the node');
}

async function keeps(context: Context): Promise<void> {
  const answered = tenantIn((await context.call('POST', '/admin/reload', {})).json, context.tenant)?.state;
  const now = (await tenantState(context))?.state;
  expect(
    answered === 'drained' && now === 'drained',
    `after a reload the tenant is ${JSON.stringify(answered)}, then ${JSON.stringify(now)}`,
  );
}

async function shut({ probe, shard, kind }: Context): Promise<void> {
  if (kind === 'aggregate') {
    const reply = await probe!.command(shard, 'conformance-drained');
    expect(!reply.ok && reply.code === 'tenant.draining', `a command for a drained tenant: ${JSON.stringify(reply)}`);
    return;
  }
  await probe!.append();
  await ambient.sleep(1500);
  expect((await probe!.behind()) !== 0, 'the node acknowledged an event while the tenant was drained');
}

async function resume(context: Context): Promise<void> {
  const { call, tenant } = context;
  for (const turn of ['first', 'second']) {
    const { status } = await call('POST', '/admin/resume', { tenant_id: tenant });
    expect(status === 200, `the ${turn} POST /admin/resume answered ${status}`);
    const now = await tenantState(context);
    expect(now?.state === 'serving', `the tenant is ${JSON.stringify(now?.state)} after the ${turn} resume`);
  }
  if (context.probe && (context.kind === 'projection' || context.kind === 'runner')) await follows(context);
}

async function moved(context: Context): Promise<void> {
  if (context.kind === 'gateway') await context.probe!.unplace();
  else await context.probe!.place('conformance-elsewhere', 6);
  const gone = async (): Promise<boolean> => (await tenantState(context)) === undefined;
  await holdsWithin(context, HOT_MS, gone, 'the tenant is still listed after it was placed elsewhere');
  expectState(await context.call('GET', '/admin/state'), 'GET /admin/state');
}
