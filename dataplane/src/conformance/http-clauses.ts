// The clauses any node can be asked over HTTP alone, without touching a tenant: health, metrics, state, refusals.
import { ambient } from '../platform/ambient.ts';
import { KINDS } from '../platform/names.ts';
import { expect, expectProblem, type Clause, type Context, type NodeReply } from './clause.ts';

const STATES = ['serving', 'draining', 'drained', 'paused'];
const MAX_TENANT_LABELS = 200;
const ADMIN_MS = 2000;
const ISO_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z$/;
/** Between two looks; half of it is what a clock may be corrected by meanwhile. */
const CLOCK_MS = 200;
const GHOST = 'conformance-nobody';

export const httpClauses: Clause[] = [
  { id: 'PC-01', title: 'live answers 200 and says which node it is, without the token', check: live },
  { id: 'PC-02', title: 'ready says what it depends on, and agrees with itself', check: ready },
  { id: 'PC-03', title: 'metrics are Prometheus text with <service>_build_info', check: metrics },
  { id: 'PC-04', title: 'metric labels are bounded', check: labels },
  { id: 'PC-05', title: 'state has every field of the contract', check: state },
  { id: 'PC-35', title: 'state tells the node’s time, which goes on as time does', check: clock },
  { id: 'PC-06', title: 'reload answers with the state and takes nothing back', check: reload },
  { id: 'PC-07', title: 'admin endpoints need the node token', needs: 'token', check: token },
  { id: 'PC-08', title: 'drain state agrees with state', check: drainState },
  { id: 'PC-09', title: 'an unknown route is a 404 problem', check: unknownRoute },
  { id: 'PC-10', title: 'a body that is not JSON is a 400 problem', check: notJson },
  { id: 'PC-11', title: 'a body over 1 MiB is a 413', check: tooLarge },
  { id: 'PC-12', title: 'an unknown field is refused and drains nothing', check: unknownField },
  { id: 'PC-13', title: 'draining a tenant that is not here is refused', check: ghost },
  { id: 'PC-14', title: 'the gateway publishes its keys and refuses strangers', kinds: ['gateway'], check: gateway },
];

/** Comes last: it judges all that was asked before. */
export const speedClause: Clause = {
  id: 'PC-26',
  title: `every admin endpoint answers within ${ADMIN_MS} ms`,
  check: async ({ slowest }) => {
    expect(slowest.ms <= ADMIN_MS, `${slowest.path} took ${Math.round(slowest.ms)} ms`);
  },
};

async function live({ call, kind, shard }: Context): Promise<void> {
  const { status, json } = await call('GET', '/health/live', undefined, { anonymous: true });
  expect(status === 200, `GET /health/live answered ${status}`);
  const said = `${json?.service}/${json?.shard_id}`;
  expect(said === `${kind}/${shard}`, `GET /health/live says ${said}, GET /admin/state ${kind}/${shard}`);
}

async function ready({ call }: Context): Promise<void> {
  const { status, json } = await call('GET', '/health/ready');
  expect(status === 200 || status === 503, `GET /health/ready answered ${status}`);
  expect(typeof json?.ready === 'boolean', '"ready" is not a boolean');
  expect(Array.isArray(json.dependencies), '"dependencies" is not a list');
  for (const name of ['nats', 'storage']) {
    const found = json.dependencies.find((one: any) => one?.name === name);
    expect(typeof found?.ok === 'boolean', `dependency "${name}" is missing or has no "ok"`);
  }
  expect((status === 200) === json.ready, `status ${status} contradicts ready=${json.ready}`);
  const down = json.dependencies.filter((one: any) => !one.ok).map((one: any) => one.name);
  expect(json.ready === (down.length === 0), `ready=${json.ready} while down: ${down.join(', ') || 'nothing'}`);
}

async function metrics({ call, kind }: Context): Promise<void> {
  const { status, type, text } = await call('GET', '/metrics');
  expect(status === 200 && type.includes('text/plain'), `GET /metrics answered ${status} ${type}`);
  const line = text.split('\n').find((one) => one.startsWith(`${kind ?? ''}_build_info{`));
  expect(line !== undefined, `there is no ${kind}_build_info`);
  for (const label of ['service', 'version', 'git_sha']) {
    expect(line.includes(`${label}="`), `${kind}_build_info lacks the label ${label}`);
  }
  expect(/\} 1$/.test(line.trim()), `${kind}_build_info is not 1`);
}

async function labels({ call }: Context): Promise<void> {
  const { text } = await call('GET', '/metrics');
  const series = text.split('\n').filter((line) => line.includes('tenant_id="'));
  const both = series.find((line) => /[{,]path="/.test(line));
  expect(!both, `tenant_id and path on one series: ${both?.slice(0, 120)}`);
  const tenants = new Set(series.map((line) => /tenant_id="([^"]*)"/.exec(line)?.[1]));
  expect(tenants.size <= MAX_TENANT_LABELS, `${tenants.size} values of tenant_id > ${MAX_TENANT_LABELS}`);
}

export function expectState({ status, json }: NodeReply, what: string): void {
  expect(status === 200, `${what} answered ${status}`);
  expect(KINDS.includes(json?.service), `"service" is ${JSON.stringify(json?.service)}`);
  for (const name of ['version', 'git_sha', 'shard_id'])
    expect(typeof json[name] === 'string', `"${name}" is not a string`);
  for (const name of ['placement_revision', 'config_revision']) {
    expect(Number.isSafeInteger(json[name]), `"${name}" is not a whole number`);
  }
  expect(typeof json.draining === 'boolean', '"draining" is not a boolean');
  expect(Array.isArray(json.tenants), '"tenants" is not a list');
  for (const one of json.tenants) {
    expect(typeof one?.tenant_id === 'string', 'a tenant has no tenant_id');
    expect(STATES.includes(one.state), `the state of ${one.tenant_id} is ${JSON.stringify(one.state)}`);
    expect(Number.isSafeInteger(one.in_flight), `in_flight of ${one.tenant_id} is not a whole number`);
    expect(
      Number.isSafeInteger(one.placement_revision),
      `placement_revision of ${one.tenant_id} is not a whole number`,
    );
    expect(
      one.state !== 'drained' || one.in_flight === 0,
      `${one.tenant_id} is drained with ${one.in_flight} in flight`,
    );
  }
}

async function state({ call }: Context): Promise<void> {
  expectState(await call('GET', '/admin/state'), 'GET /admin/state');
}

/** Against itself only: the clock of whoever checks may be the one that is off. */
async function clock({ call }: Context): Promise<void> {
  const told = async (): Promise<{ at: number; asked: number; took: number }> => {
    const began = ambient.ticks();
    const { json } = await call('GET', '/admin/state');
    const took = ambient.ticks() - began;
    const at = typeof json?.now === 'string' && ISO_MS.test(json.now) ? Date.parse(json.now) : NaN;
    expect(Number.isFinite(at), `"now" is no UTC time with milliseconds: ${JSON.stringify(json?.now)}`);
    return { at, asked: began + took / 2, took };
  };
  const first = await told();
  await ambient.sleep(CLOCK_MS);
  const second = await told();
  const [went, should] = [second.at - first.at, second.asked - first.asked];
  const allowed = (first.took + second.took + CLOCK_MS) / 2;
  expect(Math.abs(went - should) <= allowed, `"now" went on by ${went} ms in ${Math.round(should)} ms`);
}

async function reload({ call }: Context): Promise<void> {
  const before = await call('GET', '/admin/state');
  for (const turn of ['first', 'second']) {
    const after = await call('POST', '/admin/reload', {});
    expectState(after, `the ${turn} POST /admin/reload`);
    for (const name of ['service', 'shard_id', 'version']) {
      expect(after.json[name] === before.json?.[name], `"${name}" changed over a reload`);
    }
    const [was, is] = [before.json.placement_revision, after.json.placement_revision];
    expect(is >= was, `placement_revision fell from ${was} to ${is}`);
  }
}

async function token({ call }: Context): Promise<void> {
  expectProblem(
    await call('GET', '/admin/state', undefined, { anonymous: true }),
    401,
    'GET /admin/state without token',
  );
  const drain = await call('POST', '/admin/drain', { tenant_id: GHOST }, { anonymous: true });
  expectProblem(drain, 401, 'POST /admin/drain without token');
}

async function drainState({ call }: Context): Promise<void> {
  const [state, drain] = [await call('GET', '/admin/state'), await call('GET', '/admin/drain')];
  expect(drain.status === 200, `GET /admin/drain answered ${drain.status}`);
  expect(drain.json?.draining === state.json?.draining, '"draining" differs between drain and state');
  expect(Array.isArray(drain.json.tenants), '"tenants" of GET /admin/drain is not a list');
  const names = (reply: NodeReply): string =>
    reply.json.tenants
      .map((one: any) => one.tenant_id)
      .sort()
      .join();
  expect(names(state) === names(drain), 'drain and state list different tenants');
  for (const one of drain.json.tenants) {
    expect(STATES.includes(one.state) && Number.isSafeInteger(one.in_flight), `bad drain entry for ${one.tenant_id}`);
  }
}

async function unknownRoute({ call }: Context): Promise<void> {
  expectProblem(await call('GET', '/conformance/no-such-route'), 404, 'an unknown route');
}

async function notJson({ call }: Context): Promise<void> {
  expectProblem(await call('POST', '/admin/resume', '{"tenant_id":'), 400, 'a broken body');
}

async function tooLarge({ call }: Context): Promise<void> {
  const { status } = await call('POST', '/admin/resume', JSON.stringify({ tenant_id: 'x'.repeat(1024 * 1024) }));
  expect(status === 413, `a body over 1 MiB answered ${status} instead of 413`);
}

async function unknownField(context: Context): Promise<void> {
  await refusedDrain(context, { tenant: GHOST }, 400, 'a drain with the mistyped field "tenant"');
}

async function ghost(context: Context): Promise<void> {
  await refusedDrain(context, { tenant_id: GHOST }, 404, 'draining a tenant that is not here');
}

/** Whatever the answer was: if it drained the node, that is taken back before the clause fails. */
async function refusedDrain({ call }: Context, body: object, status: number, what: string): Promise<void> {
  const before = await call('GET', '/admin/drain');
  const reply = await call('POST', '/admin/drain', body);
  const after = await call('GET', '/admin/drain');
  const drained = after.json?.draining === true && before.json?.draining !== true;
  if (drained) await call('POST', '/admin/resume', {});
  expect(!drained, `${what} drained the whole node`);
  expectProblem(reply, status, what);
}

async function gateway({ call }: Context): Promise<void> {
  const { json } = await call('GET', '/.well-known/jwks.json', undefined, { anonymous: true });
  expect(Array.isArray(json?.keys) && json.keys.length > 0, 'the JWKS has no keys');
  expect(
    json.keys.every((key: any) => key.kid && key.d === undefined),
    'a key has no kid, or is private',
  );
  const command = { command_id: 'conformance-1', type: 'deposit', data: {} };
  const reply = await call('POST', `/v1/tenants/${GHOST}/commands`, command, { anonymous: true });
  expectProblem(reply, 401, 'a command without token');
}
