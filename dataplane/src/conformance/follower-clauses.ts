// The clauses about what a node follows: it says how its copies stand, and no watch, bucket or mark that is lost misleads it.
import { expect, expectProblem, holdsWithin, tenantIn, type Clause, type Context } from './clause.ts';

/** Noticed within a second or two, read again, applied. */
const HEAL_MS = 5000;
const GHOST = 'conformance-nobody';

/** Over HTTP alone. */
export const followerClauses: Clause[] = [
  { id: 'PC-27', title: 'state says of each copy of a bucket whether it can be vouched for', check: followers },
  { id: 'PC-28', title: 'state can be asked for one tenant; a gateway says where it routes it', check: oneTenant },
  { id: 'PC-34', title: 'a gateway lists its routes page by page', kinds: ['gateway'], check: routes },
];

/** After the tenant's life, in this order; the last two take away what every node on this NATS follows. */
export const lossClauses: Clause[] = [
  { id: 'PC-31', title: 'a deleted placement does not come back', needs: 'nats', check: deleted },
  { id: 'PC-32', title: 'a watch that the server forgot is noticed', needs: 'disrupt', check: forgotten },
  { id: 'PC-33', title: 'a bucket made anew is followed, a loss takes nothing away', needs: 'disrupt', check: anew },
];

async function followers({ call, kind }: Context): Promise<void> {
  const { json } = await call('GET', '/admin/state');
  expect(Array.isArray(json?.followers), '"followers" is not a list');
  for (const one of json.followers) {
    expect(typeof one?.bucket === 'string', 'a follower has no bucket');
    for (const name of ['behind_since', 'checked_at']) {
      const isTime = typeof one[name] === 'string' && !Number.isNaN(Date.parse(one[name]));
      expect(one[name] === null || isTime, `"${name}" of ${one.bucket} is ${JSON.stringify(one[name])}`);
    }
  }
  const buckets = json.followers.map((one: any) => one.bucket);
  const wanted = kind === 'gateway' ? ['config', 'iam_revocations'] : ['config'];
  for (const name of wanted) expect(buckets.includes(name), `there is no follower of ${name}`);
}

async function oneTenant({ call, kind, tenant }: Context): Promise<void> {
  for (const id of [GHOST, ...(tenant ? [tenant] : [])]) {
    const { status, json } = await call('GET', `/admin/state?tenant_id=${id}`);
    expect(status === 200 && Array.isArray(json?.tenants), `GET /admin/state?tenant_id= answered ${status}`);
    const others = json.tenants.filter((one: any) => one?.tenant_id !== id);
    expect(others.length === 0, `asked for ${id} it lists ${others[0]?.tenant_id}`);
    if (kind === 'gateway') expect(Array.isArray(json.routes), 'a gateway does not say where it routes');
    const foreign = (json.routes ?? []).filter((one: any) => one?.tenant_id !== id);
    expect(foreign.length === 0, `asked for ${id} it routes ${foreign[0]?.tenant_id}`);
  }
  const { json } = await call('GET', `/admin/state?tenant_id=${GHOST}`);
  expect(json.tenants.length === 0, 'it lists a tenant that nobody placed');
}

async function routes({ call }: Context): Promise<void> {
  let last = '';
  for (let after: string | null = ''; after !== null;) {
    const { status, json }: { status: number; json: any } = await call(
      'GET',
      `/admin/routes?limit=2&after=${encodeURIComponent(after)}`,
    );
    expect(status === 200 && Array.isArray(json?.routes), `GET /admin/routes answered ${status}`);
    for (const { kind, tenant_id, shard_id, revision } of json.routes) {
      const key = `${kind}.${tenant_id}`;
      expect(key > last, `the routes are not in order: ${key} after ${last}`);
      expect(typeof shard_id === 'string' && Number.isSafeInteger(revision), `the route of ${key} is not whole`);
      last = key;
    }
    expect(json.next === null || json.next === last, `"next" is ${JSON.stringify(json.next)} after ${last}`);
    after = json.next;
  }
  expectProblem(await call('GET', '/admin/routes?limit=0'), 400, 'GET /admin/routes?limit=0');
}

const at = async ({ call, tenant }: Context): Promise<number | undefined> =>
  tenantIn((await call('GET', '/admin/state')).json, tenant)?.placement_revision;

async function routesThere(context: Context): Promise<boolean> {
  if (context.kind !== 'gateway') return true;
  const { json } = await context.call('GET', `/admin/state?tenant_id=${context.tenant}`);
  return json?.routes?.find((one: any) => one.kind === 'aggregate')?.shard_id === context.shard;
}

async function placedAt(context: Context, revision: number, after: string): Promise<void> {
  const here = async (): Promise<boolean> => (await at(context)) === revision && (await routesThere(context));
  await holdsWithin(context, HEAL_MS, here, `revision ${revision} was not applied after ${after}`);
}

async function deleted(context: Context): Promise<void> {
  await context.probe!.place(context.shard, 7);
  await placedAt(context, 7, 'it was put');
  await context.probe!.unplace();
  const gone = async (): Promise<boolean> => (await at(context)) === undefined;
  await holdsWithin(context, HEAL_MS, gone, 'the tenant is still listed after its placement was deleted');
  for (let turn = 0; turn < 2; turn++) {
    const { json } = await context.call('POST', '/admin/reload', {});
    expect(tenantIn(json, context.tenant) === undefined, 'a reload brought the deleted placement back');
  }
}

async function forgotten(context: Context): Promise<void> {
  await context.probe!.forgetWatches();
  await context.probe!.place(context.shard, 8);
  await placedAt(context, 8, 'the server forgot the watches');
}

async function anew(context: Context): Promise<void> {
  const { probe } = context;
  const putBack = await probe!.loseBucket();
  const reread = (): Promise<unknown> => context.call('POST', '/admin/reload?lost=kept', {});
  try {
    // At once, before it was noticed, and after it was.
    await reread();
    expect((await at(context)) === 8, 'the tenant was given up by a reload just after the bucket was lost');
    await new Promise((resolve) => setTimeout(resolve, 2500 * context.patience));
    await reread();
    expect((await at(context)) === 8, 'the tenant was given up because the bucket was lost');
    await probe!.place(context.shard, 1);
    await placedAt(context, 1, 'the bucket was made anew');
  } finally {
    await putBack();
  }
}
