import { expect, it } from '@jest/globals';
import { mutations, TenantMetadata } from '@cloudlysis/contract';
import fc from 'fast-check';
import {
  completeMetadata, flagAfter, LIFECYCLE_KINDS, mergeMetadata, newTenant, recordAfter, refusalOf, REVERSE, reversePatch,
  type LifecycleKind, type TenantRecord,
} from './tenants.ts'; // prettier-ignore

const T0 = new Date('2026-11-21T09:00:00.000Z');
const live: TenantRecord = {
  ...newTenant('acme', completeMetadata({ name: 'Acme' }, 'dev'), 'job_1', T0),
  phase: 'live',
};
const moment = { jobId: 'job_2', reason: 'INC-42', now: T0, coolingDays: 30, flagRevision: 2 };

it('TEN-05..09 metadata is complete from a name alone, and fits the contract', () => {
  expect(TenantMetadata.parse(completeMetadata({ name: 'Acme' }, 'prod'))).toMatchObject({
    plan: 'free',
    environments: ['prod'],
  });
});

const field = {
  plan: fc.constantFrom('free' as const, 'pro' as const),
  quotas: fc.dictionary(fc.string(), fc.nat(), { maxKeys: 3 }),
  feature_flags: fc.dictionary(fc.string(), fc.boolean(), { maxKeys: 3 }),
};

it('TEN-05..09 a change and its reverse leave the metadata as it was', () => {
  fc.assert(
    fc.property(fc.record(field), fc.record(field, { requiredKeys: [] }), (start, patch) => {
      const before = mergeMetadata(live.metadata, start);
      const after = mergeMetadata(before, patch);
      expect(mergeMetadata(after, reversePatch(before, patch))).toEqual(before);
    }),
  );
});

it('TEN-14 whatever order of pause, resume, archive and restore is tried, record and flag agree', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...LIFECYCLE_KINDS), { maxLength: 12 }), (kinds) => {
      let record = live;
      for (const kind of kinds) {
        if (refusalOf(kind, record, T0)) continue;
        const flag = flagAfter(kind, record, 'INC-42');
        record = recordAfter(kind, record, moment);
        expect(flag.paused).toBe(record.paused !== null || record.archived !== null);
        expect(record.phase === 'archived').toBe(record.archived !== null);
      }
    }),
  );
});

it('GEN-35 the undo of each is allowed right after it', () => {
  const start: Record<LifecycleKind, TenantRecord> = {
    'tenants.pause': live,
    'tenants.resume': recordAfter('tenants.pause', live, moment),
    'tenants.archive': live,
    'tenants.restore': recordAfter('tenants.archive', live, moment),
  };
  for (const kind of LIFECYCLE_KINDS) {
    expect(refusalOf(kind, start[kind], T0)).toBeNull();
    expect(refusalOf(REVERSE[kind], recordAfter(kind, start[kind], moment), T0)).toBeNull();
  }
});

it('TEN-03 a tenant that was paused before it was archived is paused again when it is restored', () => {
  const paused = recordAfter('tenants.pause', live, moment);
  const archived = recordAfter('tenants.archive', paused, moment);
  expect(archived.archived).toEqual({ at: T0, purge_after: new Date('2026-12-21T09:00:00.000Z'), was_paused: true });
  expect(flagAfter('tenants.restore', archived, 'back')).toEqual({ paused: true, reason: 'INC-42' });
  expect(recordAfter('tenants.restore', archived, moment).paused).toEqual(paused.paused);
});

it('TEN-03 the cooling period ends to the millisecond', () => {
  const archived = recordAfter('tenants.archive', live, moment);
  const end = archived.archived!.purge_after;
  expect(refusalOf('tenants.restore', archived, new Date(end.getTime() - 1))).toBeNull();
  expect(refusalOf('tenants.restore', archived, end)).toBe(
    'the cooling period of acme ended on 2026-12-21T09:00:00.000Z',
  );
});

it('TEN-14 every refusal is a sentence that names the tenant', () => {
  const provisioning = { ...live, phase: 'provisioning' as const };
  for (const kind of LIFECYCLE_KINDS) expect(refusalOf(kind, provisioning, T0)).toBe('acme is still being provisioned');
  expect(refusalOf('tenants.pause', recordAfter('tenants.pause', live, moment), T0)).toBe(
    'acme has been paused since 2026-11-21T09:00:00.000Z: INC-42',
  );
  expect(refusalOf('tenants.resume', live, T0)).toBe('acme is not paused');
});

it('TEN-01 an id that could reach beyond its subject or key is refused by the contract', () => {
  const body = mutations['tenants.create'].submit.body;
  const accepts = (tenant_id: string): boolean =>
    body.safeParse({ tenant_id, metadata: { name: 'Acme' }, reason: 'a new customer' }).success;
  const odd = [
    '',
    '-a',
    'A',
    'a.b',
    'a*',
    'a>',
    'a b',
    'a/b',
    'ä',
    'a_b',
    '$js',
    'a\n',
    'a'.repeat(64),
    '../a',
    '__proto__',
  ];
  expect(odd.filter(accepts)).toEqual([]);
  expect(['a', '0', 'a-b', 'a--', 'a'.repeat(63), 'constructor'].filter(accepts)).toHaveLength(6);
  fc.assert(
    fc.property(fc.string(), (id) =>
      expect(accepts(id)).toBe(/^[a-z0-9][a-z0-9-]{0,62}$/.test(id) && !id.includes('\n')),
    ),
  );
});
