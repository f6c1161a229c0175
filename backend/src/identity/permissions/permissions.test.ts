import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  allOperations, PERMISSIONS, ROLE_TEMPLATES, RoleName, TIERS,
  type Assignment, type Permission, type Scope,
} from '@cloudlysis/contract'; // prettier-ignore
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { dropDatabase, freshDatabase } from '../../../../testing/mongo.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { connectMongo } from '../../ports/mongo/mongo.ts';
import type { Principal } from '../../call/principal.ts';
import { createAssignmentStore, createLivePermissions, PermissionTable, type TieredEnvironment } from '../index.ts';
import type { AskedScope } from './permission-table.ts';

const principal = (name: string, more: Partial<Principal> = {}): Principal => ({
  id: name.includes('@') ? `user:${name}` : `service:${name}`, kind: name.includes('@') ? 'user' : 'service', email: name, via: 'gateway', onBehalfOf: null, environment: null, steppedUpAt: null, granted: [], ...more,
}); // prettier-ignore

const ALL = [
  { id: 'local', tier: 'dev' }, { id: 'preview', tier: 'dev' }, { id: 'staging', tier: 'staging' },
  { id: 'prod', tier: 'prod' }, { id: 'prod-eu', tier: 'prod' }, { id: 'unheard-of', tier: null },
] as const satisfies readonly TieredEnvironment[]; // prettier-ignore
const DEV: readonly TieredEnvironment[] = [{ id: 'dev', tier: 'dev' }];
const tenants = ['acme', 'globex', 'initech'];
const people = ['a@x.test', 'B@x.test', 'svc-1'];

const environment = fc.constantFrom(...ALL.map(({ id }) => id));
const tenant = fc.constantFrom(...tenants);
const configured = fc.subarray<TieredEnvironment>([...ALL], { minLength: 1 });
const scopes: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant<Scope>({ kind: 'global' }),
  fc.constantFrom(...TIERS).map((tier): Scope => ({ kind: 'tier', tier })),
  environment.map((id): Scope => ({ kind: 'environment', environment: id })),
  tenant.map((tenant_id): Scope => ({ kind: 'tenant', tenant_id })),
  fc.tuple(tenant, environment).map(([tenant_id, id]): Scope => ({ kind: 'tenant-in-environment', tenant_id, environment: id })),
); // prettier-ignore
const assignments: fc.Arbitrary<Assignment[]> = fc.array(
  fc.record({ principal: fc.constantFrom(...people), role: fc.constantFrom(...RoleName.options), scope: scopes }),
  { maxLength: 12 },
);
const asked: fc.Arbitrary<AskedScope> = fc.oneof(
  fc.constantFrom<AskedScope>('platform', 'any', {}),
  environment.map((within) => ({ within })),
  environment.map((id) => ({ environment: id })),
  tenant.map((tenantId) => ({ tenantId })),
  fc.record({ environment, tenantId: tenant }),
);
const bound = fc.option(environment, { freq: 2 });

interface World {
  readonly configured: readonly TieredEnvironment[];
  readonly all: readonly Assignment[];
  /** Who asks, and the environment of their token. */
  readonly name: string;
  readonly bound: string | null;
}

/** The rule as sentences, without masks or maps. */
function naively(world: World, permission: Permission, scope: AskedScope): boolean {
  const { all, name } = world;
  if (world.bound !== null) {
    if (scope === 'any') return naively({ ...world, bound: null }, permission, { within: world.bound });
    if (scope === 'platform' || environmentIn(scope) !== world.bound) return false;
  }
  return all.some(
    (held) =>
      held.principal.toLowerCase() === name &&
      ROLE_TEMPLATES[held.role].includes(permission) &&
      (held.scope.kind === 'global' || scope === 'any' || (scope !== 'platform' && reaches(world, held.scope, scope))),
  );
}

const environmentIn = (scope: Exclude<AskedScope, string>): string | undefined =>
  'within' in scope ? scope.within : scope.environment;

function reaches(world: World, held: Scope, scope: Exclude<AskedScope, string>): boolean {
  const place = environmentIn(scope);
  const onTenant = (id: string): boolean => 'within' in scope || scope.tenantId === id;
  if (held.kind === 'tier') return world.configured.some(({ id, tier }) => id === place && tier === held.tier);
  if (held.kind === 'environment') return held.environment === place;
  if (held.kind === 'tenant') return onTenant(held.tenant_id);
  return held.kind === 'tenant-in-environment' && held.environment === place && onTenant(held.tenant_id);
}

const worlds: fc.Arbitrary<World> = fc.record({
  configured,
  all: assignments,
  name: fc.constantFrom(...people).map((person) => person.toLowerCase()),
  bound,
});
const callerIn = ({ name, bound }: World): Principal => principal(name, { environment: bound });

describe('NFR-01 compiled permissions', () => {
  it('CON-02 CON-09 IAM-30 IAM-31 IAM-32 decide as reading the assignments one by one does, over all kinds of scopes and environments', () => {
    fc.assert(
      fc.property(worlds, fc.constantFrom(...PERMISSIONS), asked, (world, permission, scope) => {
        const verdict = new PermissionTable(world.configured, world.all).can(callerIn(world), permission, scope);
        expect(verdict.allowed).toBe(naively(world, permission, scope));
        expect(verdict.reason === null).toBe(verdict.allowed);
      }),
      { numRuns: 3_000 },
    );
  });

  it('IAM-31 IAM-32 what is seen in one environment, and over all of them, is what may be done there', () => {
    fc.assert(
      fc.property(worlds, fc.constantFrom(...PERMISSIONS), (world, permission) => {
        const table = new PermissionTable(world.configured, world.all);
        const caller = callerIn(world);
        const may = (scope: AskedScope): boolean => naively(world, permission, scope);
        const over = table.visibleEverywhere(caller, permission);
        expect(over === 'all').toBe(may('platform'));
        expect(table.visibleEverywhere(caller, permission)).toBe(over);
        for (const { id } of ALL) {
          const visible = table.visible(caller, permission, id);
          expect(table.visible(caller, permission, id)).toBe(visible);
          expect(visible === 'all').toBe(may({ environment: id }));
          for (const tenantId of tenants)
            expect(visible === 'all' || visible.has(tenantId)).toBe(may({ environment: id, tenantId }));
          if (over === 'all') continue;
          const isListed = world.configured.some((one) => one.id === id) && may({ within: id });
          expect(over.get(id)).toBe(isListed ? visible : undefined);
        }
        if (over === 'all') return;
        const ofNone = over.get(null) ?? new Set<string>();
        expect(tenants.filter((id) => ofNone === 'all' || ofNone.has(id))).toEqual(
          tenants.filter((tenantId) => may({ tenantId })),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('NFR-08 abilities say anywhere or nowhere in an environment without a tenant, and what holds there with one', () => {
    const inScopes = fc.property(worlds, environment, fc.option(tenant, { nil: undefined }), (world, id, tenantId) => {
      const abilities = new PermissionTable(world.configured, world.all).abilities(callerIn(world), id, tenantId);
      for (const { id: operation, permission, scope } of allOperations()) {
        if (permission === 'public' || permission === 'signed-in') expect(abilities[operation]?.allowed).toBe(true);
        else {
          const there = tenantId === undefined ? { within: id } : { environment: id, tenantId };
          const where = scope === 'platform' ? 'platform' : scope === 'environment' ? { environment: id } : there;
          expect([operation, abilities[operation]?.allowed]).toEqual([operation, naively(world, permission, where)]);
        }
      }
    });
    fc.assert(inScopes, { numRuns: 200 });
    const table = new PermissionTable(DEV, [
      { principal: 'a@x.test', role: 'operator', scope: { kind: 'tenant', tenant_id: 'acme' } },
    ]);
    const abilities = (tenantId?: string) => table.abilities(principal('a@x.test'), 'dev', tenantId);
    expect(abilities()['tenants.pause']).toEqual({ allowed: true, reason: null });
    expect(abilities('acme')['tenants.pause']).toEqual({ allowed: true, reason: null });
    expect(abilities('globex')['tenants.pause']).toEqual({
      allowed: false,
      reason: 'tenants.pause is missing in environment dev on tenant globex',
    });
    expect(abilities('acme')['scale.shards.list']?.reason).toBe('scale.view is missing in environment dev');
  });

  it.each([
    ['any', null, 'scale.migrate is missing in every scope'],
    ['platform', null, 'scale.migrate is missing globally'],
    [{ within: 'dev' }, null, 'scale.migrate is missing in every scope of environment dev'],
    [{ environment: 'dev' }, null, 'scale.migrate is missing in environment dev'],
    [{ environment: 'dev', tenantId: 'acme' }, null, 'scale.migrate is missing in environment dev on tenant acme'],
    [{ tenantId: 'acme' }, null, 'scale.migrate is missing globally on tenant acme'],
    ['any', 'dev', 'scale.migrate is missing in every scope'],
    [{ environment: 'dev' }, 'dev', 'scale.migrate is missing in environment dev'],
    ['platform', 'dev', 'scale.migrate is asked for globally, and this token is of environment dev'],
    [{ tenantId: 'acme' }, 'dev', 'scale.migrate is asked for globally on tenant acme, and this token is of environment dev'],
    [{ environment: 'prod' }, 'dev', 'scale.migrate is asked for in environment prod, and this token is of environment dev'],
  ] as [AskedScope, string | null, string][])('NFR-08 a refusal says where it is missing: %j, of a token of %s', (scope, of, reason) => {
    const table = new PermissionTable(DEV);
    const caller = principal('a@x.test', { environment: of });
    expect(table.can(caller, 'scale.migrate', scope)).toEqual({ allowed: false, reason });
    // An owner is refused with the same words where the token has no effect, and only there.
    table.replace('a@x.test', [{ principal: 'a@x.test', role: 'owner', scope: { kind: 'global' } }]);
    const isBound = reason.endsWith('this token is of environment dev');
    expect(table.can(caller, 'scale.migrate', scope)).toEqual(
      isBound ? { allowed: false, reason } : { allowed: true, reason: null },
    );
  }); // prettier-ignore

  it('NFR-01 a token of an environment has effect in that one alone, also with a role that it brings', () => {
    const granted: Assignment[] = [{ principal: 'a@x.test', role: 'owner', scope: { kind: 'global' } }];
    const table = new PermissionTable([...DEV, { id: 'prod', tier: 'prod' }]);
    const caller = principal('a@x.test', { environment: 'dev', granted });
    const allowed = ['any', 'platform', { environment: 'dev' }, { environment: 'prod' }, { environment: 'prod', tenantId: 'acme' }, { within: 'prod' }] as const; // prettier-ignore
    expect(allowed.map((scope) => table.can(caller, 'scale.migrate', scope).allowed)).toEqual(
      [true, false, true, false, false, false], // prettier-ignore
    );
    expect(table.visible(caller, 'scale.migrate', 'prod')).toEqual(new Set());
    expect(table.visibleEverywhere(caller, 'scale.migrate')).toEqual(new Map([['dev', 'all']]));
    expect(table.assignmentsOf(caller)).toEqual(granted);
  });

  it('IAM-32 what is held for other environments is told, and decided where it says', () => {
    const elsewhere: Assignment[] = [
      { principal: 'a@x.test', role: 'operator', scope: { kind: 'environment', environment: 'prod' } },
      { principal: 'a@x.test', role: 'operator', scope: { kind: 'tier', tier: 'staging' } },
    ];
    const table = new PermissionTable(DEV, elsewhere);
    const may = (scope: AskedScope) => table.can(principal('a@x.test'), 'scale.migrate', scope).allowed;
    expect(table.assignmentsOf(principal('a@x.test'))).toEqual(elsewhere);
    expect([may('any'), may({ environment: 'prod' }), may({ environment: 'dev' }), may({ within: 'dev' })]).toEqual(
      [true, true, false, false], // prettier-ignore
    );
  });

  it('IAM-43 a role of the credential adds to a Gateway user, and counts for a Grafana user only while unknown', () => {
    const granted: Assignment[] = [{ principal: 'a@x.test', role: 'operator', scope: { kind: 'global' } }];
    const known: Assignment[] = [{ principal: 'a@x.test', role: 'read-only', scope: { kind: 'global' } }];
    const table = new PermissionTable(DEV);
    const grafana = principal('a@x.test', { via: 'grafana', granted });
    const gateway = principal('a@x.test', { granted });
    expect(table.can(grafana, 'scale.migrate', 'platform').allowed).toBe(true);
    table.replace('a@x.test', known);
    expect(table.can(grafana, 'scale.migrate', 'platform').allowed).toBe(false);
    expect(table.can(gateway, 'scale.migrate', 'platform').allowed).toBe(true);
    table.replace('a@x.test', []);
    expect(table.can(grafana, 'scale.migrate', 'platform').allowed).toBe(true);
  });
});

const until = async (hold: () => boolean) => {
  const end = performance.now() + 15_000;
  while (!hold()) {
    if (performance.now() > end) throw new Error('it never became true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

describe('IAM-29 live permissions', () => {
  it('are seeded once, follow every kind of change, and outlive the database', async () => {
    const { uri, db } = freshDatabase();
    const mongo = await connectMongo(uri, db);
    const seed: Assignment[] = [{ principal: 'A@x.test', role: 'owner', scope: { kind: 'global' } }];
    const options = { ambient: systemAmbient(), logger: pino({ level: 'silent' }), environments: DEV, seed };
    const live = createLivePermissions({ ...options, store: createAssignmentStore(mongo) });
    const second = createLivePermissions({ ...options, store: createAssignmentStore(mongo) });
    await Promise.all([live.prepare(), second.prepare()]);
    for (const one of [live, second]) one.start();
    const may = (name: string) => live.can(principal(name), 'scale.migrate', { tenantId: 'acme' }).allowed;
    expect([may('a@x.test'), may('b@x.test')]).toEqual([true, false]);
    const collection = mongo.db.collection('assignments');
    expect(await collection.countDocuments()).toBe(1);

    const held = { principal: 'b@x.test', role: 'operator', scope: { kind: 'tenant', tenant_id: 'acme' } };
    const { insertedId } = await collection.insertOne(held);
    await until(() => may('b@x.test'));
    await collection.updateOne({ _id: insertedId }, { $set: { principal: 'c@x.test' } });
    await until(() => may('c@x.test') && !may('b@x.test'));
    await collection.deleteOne({ _id: insertedId });
    await until(() => !may('c@x.test'));
    const again = { ...seed[0], principal: 'user:a@x.test', form: 2 };
    await expect(collection.insertOne(again)).rejects.toThrow(/E11000|duplicate/i);

    await second.stop();
    await mongo.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(may('a@x.test')).toBe(true);
    await live.stop();
    await using client = new MongoClient(uri);
    await client.db(db).dropDatabase();
  });

  it('IAM-29 a record that cannot be used grants nothing, takes the old grant away, and leaves the others in force', async () => {
    const { uri, db } = freshDatabase();
    const mongo = await connectMongo(uri, db);
    const options = { ambient: systemAmbient(), logger: pino({ level: 'silent' }), environments: DEV, seed: [] };
    const live = createLivePermissions({ ...options, store: createAssignmentStore(mongo) });
    const assignments = mongo.db.collection('assignments');
    const held = (name: string) => ({ principal: `${name}@x.test`, role: 'operator', scope: { kind: 'global' } });
    await assignments.insertMany([held('a'), held('b'), { ...held('c'), role: 'emperor' }]);
    await live.prepare();
    live.start();
    const may = () =>
      ['a', 'b', 'c']
        .filter((name) => live.can(principal(`${name}@x.test`), 'scale.migrate', 'platform').allowed)
        .join('');
    expect(may()).toBe('ab');
    await assignments.updateOne({ principal: 'a@x.test' }, { $set: { principal: 7 } });
    await until(() => may() === 'b');
    await assignments.updateOne({ principal: 'b@x.test' }, { $set: { scope: null } });
    await until(() => may() === '');
    await assignments.drop();
    await assignments.insertOne(held('c'));
    await until(() => may() === 'c');
    await live.stop();
    await dropDatabase(mongo.db.databaseName);
    await mongo.close();
  });

  it('IAM-32 an assignment that 0.1 stored for an environment holds for the tier of that name, and one of now for the environment', async () => {
    const { uri, db } = freshDatabase();
    const mongo = await connectMongo(uri, db);
    const assignments = mongo.db.collection('assignments');
    await assignments.createIndex(
      { principal: 1, role: 1, 'scope.kind': 1, 'scope.tenant_id': 1, 'scope.environment': 1 },
      { name: 'one_per_scope', unique: true },
    );
    const held = (name: string, id: string, form?: unknown) => ({
      principal: `${name}@x.test`,
      role: 'operator',
      scope: { kind: 'environment', environment: id },
      ...(form === undefined ? {} : { form }),
    });
    await assignments.insertMany([held('old', 'prod'), held('catalog', 'preview')]);
    const environments: TieredEnvironment[] = [...ALL];
    const options = { ambient: systemAmbient(), logger: pino({ level: 'silent' }), environments, seed: [] };
    const live = createLivePermissions({ ...options, store: createAssignmentStore(mongo) });
    await live.prepare();
    live.start();
    const where = (name: string): string[] =>
      ALL.map(({ id }) => id).filter((id) => live.can(principal(`${name}@x.test`), 'scale.migrate', { environment: id }).allowed);
    expect([where('old'), where('catalog')]).toEqual([['prod', 'prod-eu'], ['preview']]);
    expect(live.assignmentsOf(principal('old@x.test')).map(({ scope }) => scope)).toEqual([{ kind: 'tier', tier: 'prod' }]);

    await assignments.insertMany([
      held('new', 'prod', 2),
      held('later', 'prod', 3),
      // Beside the old one: it says something else.
      held('old', 'prod', 2),
      ...[
        { kind: 'tier', tier: 'dev' },
        { kind: 'tier', tier: 'staging' },
        { kind: 'tenant', tenant_id: 'acme' },
        { kind: 'tenant-in-environment', tenant_id: 'acme', environment: 'prod' },
        { kind: 'tenant-in-environment', tenant_id: 'acme', environment: 'prod-eu' },
      ].map((scope) => ({ ...held('new', '', 2), scope })),
      { ...held('odd', '', 2), scope: { kind: 'tenant', tenant_id: 'acme', environment: 'prod' } },
      { ...held('odd', '', 2), scope: { kind: 'galaxy' } },
    ]);
    await until(() => live.copy.state().size === 12);
    expect([where('new'), where('later'), where('odd')]).toEqual([['local', 'preview', 'staging', 'prod'], [], []]);
    expect(live.can(principal('new@x.test'), 'scale.migrate', { environment: 'prod-eu', tenantId: 'acme' }).allowed).toBe(true);
    expect(live.can(principal('new@x.test'), 'scale.migrate', 'platform').allowed).toBe(false);
    await expect(assignments.insertOne({ ...held('new', '', 2), scope: { kind: 'tier', tier: 'dev' } })).rejects.toThrow(/E11000|duplicate/i);
    await live.stop();
    await dropDatabase(mongo.db.databaseName);
    await mongo.close();
  }); // prettier-ignore
});
