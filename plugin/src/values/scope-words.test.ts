import { Scope } from '@cloudlysis/contract';
import { scopeWords } from './scope-words';

test.each([
  [{ kind: 'global' }, 'everywhere'],
  [{ kind: 'tier', tier: 'prod' }, 'every prod environment'],
  [{ kind: 'environment', environment: 'staging' }, 'environment staging'],
  [{ kind: 'tenant', tenant_id: 'acme' }, 'tenant acme in every environment'],
  [{ kind: 'tenant-in-environment', tenant_id: 'acme', environment: 'eu' }, 'tenant acme in environment eu'],
])('IAM-30 IAM-31 IAM-32 the scope %j is called %s', (scope, words) => {
  expect(scopeWords(Scope.parse(scope))).toBe(words);
});
