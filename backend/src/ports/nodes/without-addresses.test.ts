// Where a node is, is in no sentence that a reader of one tenant sees; everything else in it stays.
import { expect, it } from '@jest/globals';
import { Problem } from '@cloudlysis/contract';
import fc from 'fast-check';
import { problemWithoutAddresses, withoutAddresses, withoutAddressesIn } from './without-addresses.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((ip) => `[${ip}]`),
  fc.constantFrom('localhost', 'a1', 'node-3', 'node-3.internal', 'projection-2.svc.cluster.local'),
);
const address = fc.tuple(host, fc.integer({ min: 10, max: 65_535 })).map(([name, port]) => `${name}:${port}`);
const SENTENCES: readonly ((at: string) => string)[] = [
  (at) => `http://${at}/admin/state cannot be reached: nothing listens there (ECONNREFUSED)`,
  (at) => `what listens at ${at} does not speak HTTP, so it is no node`,
  (at) => `the node at https://${at} says it is runner/r9, not runner/r1`,
  (at) => `connect ECONNREFUSED ${at}`,
  (at) => `storage: mongodb://${at}/data is read-only`,
  (at) => `its storage (${at}) is full; ${at}, too`,
  (at) => `"${at}" answered 503`,
];

it('NFR-01 no form of an address is left, wherever it stands', () => {
  fc.assert(
    fc.property(address, fc.constantFrom(...SENTENCES), (at, sentence) => {
      const told = withoutAddresses(sentence(at));
      const [, port] = /:(\d+)$/.exec(at)!;
      expect(told).not.toContain(at);
      expect(told).not.toContain(`:${port}`);
    }),
    { numRuns: 2_000 },
  );
});

it('NFR-01 nor are addresses without brackets, and names that were looked up', () => {
  const bare = fc.oneof(fc.ipV6(), fc.constantFrom('::1', '::', 'fe80::1%eth0', 'fd00::7', '::ffff:10.0.0.7'));
  const port = fc.oneof(
    fc.constant(''),
    fc.integer({ min: 10, max: 65_535 }).map((n) => `:${n}`),
  );
  const sentence = fc.constantFrom<(at: string) => string>(
    (at) => `connect ECONNREFUSED ${at}`,
    (at) => `nats: ${at} did not answer`,
    (at) => `its storage (${at}) is full; ${at}, too`,
  );
  fc.assert(
    fc.property(bare, port, sentence, (ip, of, say) => {
      expect(withoutAddresses(say('X')).replaceAll('X', 'its address')).toBe(withoutAddresses(say(`${ip}${of}`)));
    }),
    { numRuns: 2_000 },
  );
  expect(withoutAddresses('getaddrinfo ENOTFOUND nats.internal')).toBe('getaddrinfo ENOTFOUND its address');
  expect(withoutAddresses('getaddrinfo EAI_AGAIN node-3 (storage)')).toBe(
    'getaddrinfo EAI_AGAIN its address (storage)',
  );
});

it('NFR-01 NFR-07 however long and odd a text that a node says, it is looked through at once', () => {
  const units = ['a', 'a-', 'a.', 'a:', ':', '::', ' a', 'a:b:c:d.', '[::', '::1%', 'tenant:', 'http:/', 'a+b://', '1.', 'ENOTFOUND '];
  for (const unit of units) {
    const text = unit.repeat(200_000 / unit.length);
    const began = stopwatch();
    withoutAddresses(text);
    expect([unit, began() < 2_000]).toEqual([unit, true]);
  }
  expect(withoutAddresses('x-http://10.0.0.7:1/a 1http://b.internal:80')).toBe('its /a its ');
}); // prettier-ignore

it('NFR-01 what is no address stays as it is', () => {
  for (const text of [
    'tenant:2024 waits for shard:1234 since 09:02:11',
    'job_01a21784-d77b-7f47-b783-bc5efa8815a4 (scale.drain, asked for by user:ada@x.test: INC-9)',
    'aggregate/a1 unreachable since 2026-11-26T11:01:52.039Z',
    'consumer lag 12 042 > 5 000 on projection/p2; 100 of 200: 50 %',
    'a:b:c, 1:2:3, 12:30, ada, cafe, 0f3b9c1d2f4e6a8b and tenants.update',
    'ratio 1:10, user:grafana:bob, service:svc-1, placement.aggregate.acme at revision 41',
  ])
    expect(withoutAddresses(text)).toBe(text);
});

it('NFR-01 a problem keeps its code and loses addresses in every text it carries', () => {
  const said = 'http://10.0.0.7:8101/admin did not answer';
  const problem = new Problem('node.timeout', said, { failed: [{ why: said }], by: { at: said, n: 1, none: null } });
  const told = problemWithoutAddresses(problem) as Problem;
  expect([told.code, told.status, told.cause]).toEqual(['node.timeout', problem.status, problem]);
  expect(JSON.stringify(told.toDocument())).not.toMatch(/10\.0\.0\.7|8101|http/);
  expect(told.extra['by']).toMatchObject({ n: 1, none: null });
  const plan = { diff: [{ after: 'host:8080' }] };
  expect((problemWithoutAddresses(new Problem('plan.stale', said, { plan })) as Problem).extra['plan']).toBe(plan);
  const other = new TypeError('x');
  expect(problemWithoutAddresses(other)).toBe(other);
  const at = new Date(0);
  expect(withoutAddressesIn({ at, list: [1, true] })).toEqual({ at, list: [1, true] });
});
