import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  allOperations, PERMISSIONS, ROLE_TEMPLATES, RoleName,
  type Assignment, type Permission, type Scope,
} from '@cloudlysis/contract'; // prettier-ignore
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { dropDatabase, freshDatabase } from '../../../../testing/mongo.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { connectMongo } from '../../ports/mongo/mongo.ts';
import type { Principal } from '../../call/principal.ts';
import { createAssignmentStore, createLivePermissions, PermissionTable } from '../index.ts';
import type { AskedScope } from './permission-table.ts';

const principal = (name: string, more: Partial<Principal> = {}): Principal => ({
  id: name.includes('@') ? `user:${name}` : `service:${name}`, kind: name.includes('@') ? 'user' : 'service', email: name, via: 'gateway', onBehalfOf: null, steppedUpAt: null, granted: [], ...more,
}); // prettier-ignore

const environments = ['local', 'preview', 'staging', 'prod', 'dev'] as const;
const TIERS: Record<string, string[]> = { dev: ['local', 'preview', 'dev'], staging: ['staging'], prod: ['prod'] };
const tenants = ['acme', 'globex', 'initech'];
const people = ['a@x.test', 'B@x.test', 'svc-1'];

const scopes: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant<Scope>({ kind: 'global' }),
  fc.constantFrom(...tenants).map((tenant_id): Scope => ({ kind: 'tenant', tenant_id })),
  fc.constantFrom(...environments).map((environment): Scope => ({ kind: 'environment', environment })),
);
const assignments: fc.Arbitrary<Assignment[]> = fc.array(
  fc.record({ principal: fc.constantFrom(...people), role: fc.constantFrom(...RoleName.options), scope: scopes }),
  { maxLength: 12 },
);
const asked: fc.Arbitrary<AskedScope> = fc.oneof(
  fc.constantFrom<AskedScope>('platform', 'any'),
  fc.constantFrom(...tenants).map((tenantId) => ({ tenantId })),
);

/** The rule as a sentence, without masks or maps. */
function naively(
  all: Assignment[],
  name: string,
  permission: Permission,
  scope: AskedScope,
  environment: string,
): boolean {
  return all.some((held) => {
    if (held.principal.toLowerCase() !== name || !ROLE_TEMPLATES[held.role].includes(permission)) return false;
    if (held.scope.kind === 'global') return true;
    if (held.scope.kind === 'environment')
      return held.scope.environment === environment || !!TIERS[held.scope.environment]?.includes(environment);
    return scope === 'any' || (typeof scope === 'object' && scope.tenantId === held.scope.tenant_id);
  });
}

describe('NFR-01 compiled permissions', () => {
  it('CON-02 CON-09 decide as reading the assignments one by one does', () => {
    fc.assert(
      fc.property(
        assignments, fc.constantFrom(...people), fc.constantFrom(...PERMISSIONS), asked, fc.constantFrom(...environments),
        (all, person, permission, scope, environment) => {
          const name = person.toLowerCase();
          const table = new PermissionTable(environment, all);
          const verdict = table.can(principal(name), permission, scope);
          expect(verdict.allowed).toBe(naively(all, name, permission, scope, environment));
          expect(verdict.reason === null).toBe(verdict.allowed);
          const visible = table.visible(principal(name), permission);
          for (const tenantId of tenants)
            expect(visible === 'all' || visible.has(tenantId)).toBe(naively(all, name, permission, { tenantId }, environment));
        },
      ),
      { numRuns: 1_000 },
    ); // prettier-ignore
  });

  it('NFR-08 abilities say anywhere or nowhere without a tenant, and what holds there with one', () => {
    const inScopes = fc.property(
      assignments, fc.constantFrom(...people), fc.option(fc.constantFrom(...tenants), { nil: undefined }), fc.constantFrom(...environments),
      (all, person, tenantId, environment) => {
        const name = person.toLowerCase();
        const abilities = new PermissionTable(environment, all).abilities(principal(name), tenantId);
        for (const { id, permission, scope } of allOperations()) {
          if (permission === 'public' || permission === 'signed-in') expect(abilities[id]?.allowed).toBe(true);
          else {
            const where = scope === 'platform' ? 'platform' : tenantId === undefined ? 'any' : { tenantId };
            expect([id, abilities[id]?.allowed]).toEqual([id, naively(all, name, permission, where, environment)]);
          }
        }
      },
    ); // prettier-ignore
    fc.assert(inScopes, { numRuns: 200 });
    const table = new PermissionTable('dev', [
      { principal: 'a@x.test', role: 'operator', scope: { kind: 'tenant', tenant_id: 'acme' } },
    ]);
    const abilities = (tenantId?: string) => table.abilities(principal('a@x.test'), tenantId);
    expect(abilities()['tenants.pause']).toEqual({ allowed: true, reason: null });
    expect(abilities('acme')['tenants.pause']).toEqual({ allowed: true, reason: null });
    expect(abilities('globex')['tenants.pause']).toEqual({
      allowed: false,
      reason: 'tenants.pause is missing on tenant globex',
    });
    expect(abilities('acme')['scale.shards.list']?.reason).toBe('scale.view is missing globally');
  });

  it('IAM-43 a role of the credential adds to a Gateway user, and counts for a Grafana user only while unknown', () => {
    const granted: Assignment[] = [{ principal: 'a@x.test', role: 'operator', scope: { kind: 'global' } }];
    const known: Assignment[] = [{ principal: 'a@x.test', role: 'read-only', scope: { kind: 'global' } }];
    const table = new PermissionTable('dev');
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
    const options = { ambient: systemAmbient(), logger: pino({ level: 'silent' }), environment: 'dev', seed };
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
    await expect(collection.insertOne({ ...seed[0], principal: 'user:a@x.test' })).rejects.toThrow(/E11000|duplicate/i);

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
    const options = { ambient: systemAmbient(), logger: pino({ level: 'silent' }), environment: 'dev', seed: [] };
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
});
