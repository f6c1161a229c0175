// How many permission checks one core makes a second, whatever the number of assignments, beside node-casbin.
import { performance } from 'node:perf_hooks';
import { ROLE_TEMPLATES, type Assignment, type RoleName, type Scope } from '@cloudlysis/contract';
import { PermissionTable, type TieredEnvironment } from '../../backend/src/identity/index.ts';
import type { Principal } from '../../backend/src/call/principal.ts';
import { notMeasured, type Figure, type Section } from '../figure.ts';
import { peer } from '../peers/install.ts';
import { digits, inPairs, spread, told } from '../spread.ts';

const GOAL = 15_000_000;
/** Flat: a check among the most assignments costs at most this much more than among the fewest. */
const FLAT = 1.25;
const SIZES = [1_000, 10_000, 100_000] as const;
const CHECKS = 1_000_000;
const ROUNDS = 15;
/** Users who call at the same time; each brings the principal that was made when its token was verified. */
const CALLERS = 100;
const CASBIN_USERS = 1_000;
const CASBIN_CHECKS = 200;

const ROLES = Object.keys(ROLE_TEMPLATES) as RoleName[];
const email = (n: number): string => `user-${n}@example.test`;
const tenant = (n: number): string => `tenant-${n % 1_000}`;

const ENVIRONMENTS = [
  { id: 'dev', tier: 'dev' },
  { id: 'preview', tier: 'dev' },
  { id: 'staging', tier: 'staging' },
  { id: 'prod-eu', tier: 'prod' },
  { id: 'prod-us', tier: 'prod' },
] as const satisfies readonly TieredEnvironment[];
const environment = (n: number): (typeof ENVIRONMENTS)[number] => ENVIRONMENTS[(n % 13) % ENVIRONMENTS.length]!;

/** Of ten one is global, one for a tier, two for an environment, three on a tenant everywhere and three in one environment. */
function scopeOf(n: number): Scope {
  const { id, tier } = environment(n);
  const kind = n % 10;
  if (kind === 0) return { kind: 'global' };
  if (kind === 1) return { kind: 'tier', tier };
  if (kind < 4) return { kind: 'environment', environment: id };
  if (kind < 7) return { kind: 'tenant', tenant_id: tenant(n) };
  return { kind: 'tenant-in-environment', tenant_id: tenant(n), environment: id };
}

const assignments = (count: number): Assignment[] =>
  Array.from({ length: count }, (_, n) => ({ principal: email(n), role: ROLES[n % ROLES.length]!, scope: scopeOf(n) }));

const principal = (n: number): Principal => ({
  id: `user:${email(n)}`, kind: 'user', email: email(n), via: 'gateway', onBehalfOf: null, environment: null, steppedUpAt: null,
  granted: [],
}); // prettier-ignore

interface Case {
  readonly table: PermissionTable;
  readonly callers: readonly Principal[];
  readonly scopes: readonly { environment: string; tenantId: string }[];
}

function caseOf(size: number): Case {
  // Of every kind of scope as many, whatever the size.
  const numbers = Array.from({ length: CALLERS }, (_, n) => Math.floor((n * size) / CALLERS) + (n % 10));
  return {
    table: new PermissionTable(ENVIRONMENTS, assignments(size)),
    callers: numbers.map(principal),
    scopes: numbers.map((n) => ({ environment: environment(n).id, tenantId: tenant(n) })),
  };
}

/** Millions of checks a second. */
function rate({ table, callers, scopes }: Case): number {
  const began = performance.now();
  let allowed = 0;
  for (let n = 0; n < CHECKS; n += 1) {
    const at = n % CALLERS;
    if (table.can(callers[at]!, 'tenants.view', scopes[at]!).allowed) allowed += 1;
  }
  const took = performance.now() - began;
  if (allowed === 0) throw new Error('nobody was allowed anything');
  return CHECKS / took / 1_000;
}

export async function measure(): Promise<Section> {
  const cases = SIZES.map(caseOf);
  for (const each of cases) rate(each);
  const rates = SIZES.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) cases.forEach((each, index) => rates[index]!.push(rate(each)));
  const [few, most] = [cases[0]!, cases.at(-1)!];
  const flat = await inPairs(ROUNDS, () => 1 / rate(most), () => 1 / rate(few)); // prettier-ignore
  const speeds = rates.map(spread);
  const slowest = Math.min(...speeds.map((speed) => speed.median)) * 1e6;
  return {
    title: 'Permission checks',
    how:
      `\`can(principal, 'tenants.view', {environment, tenant})\` on the compiled table of ${ENVIRONMENTS.length} environments, one core, ` +
      `${CALLERS} callers in turn spread over all assignments, one each, of all five kinds of scopes.`,
    figures: [
      {
        name: 'checks per second',
        measured: speeds.map((speed, index) => `${told(speed, 'M')} at ${digits(SIZES[index]!)}`).join(', '),
        beside: '',
        goal: `≥ ${GOAL / 1e6} M at every size`,
        met: slowest >= GOAL,
        ...(slowest >= GOAL ? {} : { why: `the slowest size makes ${digits(slowest / 1e6)} M` }),
      },
      {
        name: `a check at ${digits(SIZES.at(-1)!)} assignments`,
        measured: `${told(flat.ratio, '×')} that at ${digits(SIZES[0])}`,
        beside: '',
        goal: `flat (≤ ${FLAT} ×)`,
        met: flat.ratio.median <= FLAT,
        ...(flat.ratio.median <= FLAT
          ? {}
          : { why: 'the larger table no longer fits the cache that the smaller one is in' }),
      },
      await casbinFigure(),
    ],
  };
}

interface Enforcer {
  enforce(...request: string[]): Promise<boolean>;
}

interface CasbinModule {
  newModel(text: string): unknown;
  newEnforcer(model: unknown, adapter: unknown): Promise<Enforcer>;
  readonly StringAdapter: new (policy: string) => unknown;
}

/** Roles within tenants, as casbin's own example of it. */
const MODEL = `
[request_definition]
r = sub, dom, act
[policy_definition]
p = sub, dom, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.act == p.act
`;

async function casbinFigure(): Promise<Figure> {
  const name = `node-casbin at ${digits(CASBIN_USERS)} users`;
  try {
    const { newModel, newEnforcer, StringAdapter } = await peer<CasbinModule>('casbin');
    const permissions = ROLES.flatMap((role) => ROLE_TEMPLATES[role].map((act) => `p, ${role}, *, ${act}`));
    const users = assignments(CASBIN_USERS).map(({ principal: user, role }, n) => `g, ${user}, ${role}, ${tenant(n)}`);
    const enforcer = await newEnforcer(newModel(MODEL), new StringAdapter([...permissions, ...users].join('\n')));
    const ours = caseOf(CASBIN_USERS);
    const theirs = async (): Promise<number> => {
      const began = performance.now();
      for (let n = 0; n < CASBIN_CHECKS; n += 1) await enforcer.enforce(email(n), tenant(n), 'tenants.view');
      return ((performance.now() - began) * 1_000) / CASBIN_CHECKS;
    };
    await theirs();
    const both = await inPairs(9, theirs, () => 1 / rate(ours));
    return {
      name,
      measured: `${told(both.a, 'µs')} a check`,
      beside: `${told(both.b, 'µs')} here: ${told(both.ratio, '×')}`,
      met: null,
    };
  } catch (error) {
    return notMeasured(name, error);
  }
}
