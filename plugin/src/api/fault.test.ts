import { Problem, ProblemCodes, PROBLEMS } from '@cloudlysis/contract';
import { faultOf, type FaultKind } from './fault';

const between = (status: number) => faultOf(new Problem('internal', `HTTP ${status}`, { http_status: status }));

test.each(ProblemCodes)('MIS-04 %s is told with title, detail, code and request id', (code) => {
  const fault = faultOf(new Problem(code, 'in flight 104 > 100', { instance: 'req_1' }));
  expect(fault).toMatchObject({ title: PROBLEMS[code].title, detail: 'in flight 104 > 100', code, requestId: 'req_1' });
  expect(fault.kind).not.toBe('');
});

test('a refusal, a conflict, a lock, a rate limit and an outage are states of their own', () => {
  const kinds = (
    ['token.invalid', 'permission.missing', 'plan.stale', 'tenant.locked', 'rate.limited', 'store.unavailable'] as const
  ).map((code): FaultKind => faultOf(new Problem(code)).kind);
  expect(kinds).toEqual(['token-refused', 'forbidden', 'conflict', 'locked', 'rate-limited', 'unavailable']);
});

test.each([
  [401, 'signed-out'],
  [403, 'role-refused'],
  [404, 'not-configured'],
  [502, 'unreachable'],
  [503, 'unreachable'],
  [418, 'failed'],
])('HTTP %d without a problem document is %s', (status, kind) => {
  expect(between(status)).toMatchObject({ kind, title: expect.any(String), detail: expect.any(String) });
  expect(between(status).code).toBeUndefined();
});

test('no answer at all is "unreachable", and looking again may help', () => {
  expect(faultOf(new TypeError('fetch failed'))).toMatchObject({ kind: 'unreachable', passing: true });
});

test('only what may pass by itself is looked at again', () => {
  const passing = ProblemCodes.filter((code) => faultOf(new Problem(code)).passing);
  expect(passing.map((code) => PROBLEMS[code].status).sort()).toEqual(expect.arrayContaining([423, 429, 503]));
  expect(passing.some((code) => ![423, 429, 503].includes(PROBLEMS[code].status))).toBe(false);
});

test('a rate limit says how long to wait', () => {
  expect(faultOf(new Problem('rate.limited', undefined, { retry_after_s: 7 })).remedy).toBe('Try again in 7 s.');
});
