// Names of people and services: injective whatever the parts contain, and what version 0.1 wrote is still understood.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { actorBefore, assignedTo, folded, identityName, identityOf, type Identity } from './identity-name.ts';

/** Text made of what could imitate a separator, a form, or another letter. */
const tricky = fc.oneof(
  fc.string({
    unit: fc.constantFrom(
      'a',
      'A',
      'k',
      '\u212a',
      ':',
      '%',
      '3',
      '/',
      '.',
      '@',
      ' ',
      '\u0000',
      '\ud800',
      'é',
      'e\u0301',
      'ſ',
      'ı',
      'İ',
      'ａ',
      '\u200b',
      'user:',
      'service:',
      'grafana:',
      '%3A',
    ),
    minLength: 1,
    maxLength: 8,
  }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }),
);
const identities: fc.Arbitrary<Identity> = fc.oneof(
  fc.record({ kind: fc.constant('user' as const), issuer: fc.constantFrom('email', 'grafana', 'gateway'), id: tricky }),
  fc.record({
    kind: fc.constant('service' as const),
    issuer: fc.constantFrom('email', 'grafana', 'gateway'),
    id: tricky,
  }),
);
const sameTo = (a: Identity, b: Identity): boolean =>
  a.kind === b.kind && a.issuer === b.issuer && folded(a.id) === folded(b.id);

describe('IAM-29 a name belongs to one identity', () => {
  it('whatever kind, issuer and id are made of', () => {
    fc.assert(
      fc.property(identities, identities, (a, b) => {
        expect(identityName(a) === identityName(b)).toBe(sameTo(a, b));
      }),
      { numRuns: 4_000 },
    );
  });

  it('and is read back as that identity, while every other spelling of it is none', () => {
    fc.assert(
      fc.property(identities, (identity) => {
        const name = identityName(identity);
        const read = identityOf(name);
        if (identity.id.isWellFormed()) expect(read && sameTo(read, identity)).toBe(true);
        else expect(read).toBeNull();
        expect(/[\s\p{C}]/u.test(name)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
    for (const other of [
      'user:%61da@x.test',
      'user:email:ada@x.test',
      'user:',
      'user:grafana:',
      'USER:ada@x.test',
      'user:a:b',
      'x:ada',
      'user:%',
      'service:gateway:svc',
      'user:grafana:a b',
    ])
      expect([other, identityOf(other)]).toEqual([other, null]);
  });

  it.each([
    [{ kind: 'user', issuer: 'email', id: 'Ada@X.test' }, 'user:ada@x.test'],
    [{ kind: 'user', issuer: 'grafana', id: 'Bob' }, 'user:grafana:bob'],
    [{ kind: 'user', issuer: 'grafana', id: 'Ada Lovelace' }, 'user:grafana:ada%20lovelace'],
    [{ kind: 'user', issuer: 'grafana', id: '阿达' }, 'user:grafana:阿达'],
    [{ kind: 'user', issuer: 'gateway', id: '7f3a' }, 'user:gateway:7f3a'],
    [{ kind: 'service', issuer: 'gateway', id: 'svc-1' }, 'service:svc-1'],
    [{ kind: 'service', issuer: 'gateway', id: 'grafana:bob' }, 'service:grafana%3Abob'],
    [{ kind: 'service', issuer: 'gateway', id: 'user:grafana:bob' }, 'service:user%3Agrafana%3Abob'],
    [{ kind: 'service', issuer: 'gateway', id: '100%' }, 'service:100%25'],
  ] as const)('%j is %s', (identity, name) => {
    expect(identityName(identity)).toBe(name);
    expect(identityName(identityOf(name)!)).toBe(name);
  });

  it('only A to Z are folded: two names that differ in anything else stay two', () => {
    const pairs = [
      ['\u212a', 'k'],
      ['ſ', 's'],
      ['İ', 'i'],
      ['ı', 'i'],
      ['Ａ', 'a'],
      ['ａ', 'a'],
      ['É', 'é'],
      ['é', 'e\u0301'],
      ['Σ', 'σ'],
      ['ς', 'σ'],
      ['ﬁ', 'fi'],
      ['ß', 'ss'],
      ['Ⅷ', 'viii'],
      ['а', 'a'],
    ];
    for (const [a, b] of pairs)
      for (const issuer of ['email', 'grafana', 'gateway'] as const)
        expect(identityName({ kind: 'user', issuer, id: `${a}@x` })).not.toBe(
          identityName({ kind: 'user', issuer, id: `${b}@x` }),
        );
    expect(folded('ADA@X.test')).toBe('ada@x.test');
  });

  it.each([
    ['ada@x.test', 'user:ada@x.test'],
    ['Ada@X.Test', 'user:ada@x.test'],
    ['grafana:Bob', 'user:grafana:bob'],
    ['svc-1', 'service:svc-1'],
    ['svc:y', 'service:svc%3Ay'],
    ['user:ada@x.test', 'user:ada@x.test'],
    ['user:grafana:bob', 'user:grafana:bob'],
    ['service:svc-1', 'service:svc-1'],
  ])('an assignment to %s is one to %s', (given, name) => {
    expect(assignedTo(given)).toBe(name);
    expect(assignedTo(assignedTo(given))).toBe(name);
  });

  it('the actor of a job of version 0.1 is known, and that of no other identity', () => {
    const before = {
      'user:ada@x.test': 'user:ada@x.test',
      'user:grafana:bob': 'user:grafana:bob',
      'service:svc-1': 'service:svc-1',
      'service:svc%3Ay': 'service:svc:y',
      'service:grafana%3Abob': 'service:grafana:bob',
    };
    for (const [name, actor] of Object.entries(before)) expect(actorBefore(name)).toBe(actor);
    expect(new Set(Object.values(before)).size).toBe(5);
  });
});
