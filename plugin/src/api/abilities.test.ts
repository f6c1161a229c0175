import { reads, type Me } from '@cloudlysis/contract';
import fc from 'fast-check';
import { isMe } from './abilities';

const me: Me = {
  principal: { id: 'user:bob@acme.test', kind: 'user', email: 'bob@acme.test', via: 'grafana' },
  assignments: [{ role: 'operator', scope: { kind: 'global' } }],
  tenant_id: null,
  abilities: {
    'jobs.list': { allowed: true, reason: null },
    'jobs.retry': { allowed: false, reason: 'ops.retry is missing' },
  },
  environment: 'dev',
  environments: [{ id: 'dev', tier: 'dev' }],
  version: '0.1.0',
  git_sha: null,
  mode: 'development',
};

test('MIS-04 what the control plane says of the caller is known as its answer', () => {
  expect(reads['identity.me'].answers[200].safeParse(me).success).toBe(true);
  expect(isMe(me)).toBe(true);
});

const wrong = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, {}, { 'jobs.list': { reason: null } }, { 'jobs.list': 'allowed' }),
  fc.string(),
  fc.integer(),
  fc.boolean()
);

test('MIS-04 whatever else answers at that address is not taken for the control plane', () => {
  const { safeParse } = reads['identity.me'].answers[200];
  fc.assert(
    fc.property(
      fc.jsonValue(),
      wrong,
      fc.constantFrom('principal', 'assignments', 'abilities'),
      (value, part, member) => {
        expect(isMe(value)).toBe(safeParse(value).success);
        const other = { ...me, [member]: part };
        expect(isMe(other)).toBe(safeParse(other).success);
      }
    )
  );
});
