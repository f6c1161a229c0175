import { mutations } from '@cloudlysis/contract';
import fc from 'fast-check';
import { requestOf, complaints } from './form-request';

test('what is in the path is taken from the input, the rest is the body', () => {
  expect(requestOf('tenants.pause', { tenant_id: 'acme' })).toEqual({ params: { tenant_id: 'acme' }, body: {} });
  expect(requestOf('scale.migrate', { tenant_id: 'acme', kind: 'aggregate', to: 'a2' })).toEqual({
    params: {},
    body: { tenant_id: 'acme', kind: 'aggregate', to: 'a2' },
  });
});

test('an empty field is not said, what was given empty is', () => {
  const input = {
    tenant_id: 'acme',
    shards: { aggregate: undefined, runner: '' },
    metadata: { name: 'Acme', quotas: {} },
  };
  expect(requestOf('tenants.create', input).body).toEqual({
    tenant_id: 'acme',
    metadata: { name: 'Acme', quotas: {} },
  });
});

test('no number and no choice is nothing; a zero and a "no" are something', () => {
  const body = { to: [], max_in_flight: Number.NaN, max_consumer_lag: 0, dry: false };
  expect(requestOf('scale.evacuate', body).body).toEqual({ max_consumer_lag: 0, dry: false });
});

test('whatever the input, nothing empty is said and nothing is said twice', () => {
  const scalar = fc.constantFrom(undefined, null, '', Number.NaN, 0, false, 'x', []);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.oneof(scalar, fc.dictionary(fc.string(), scalar))), (input) => {
      const { params, body } = requestOf('jobs.cancel', { ...input, job_id: 'job_1' });
      expect(params).toEqual({ job_id: 'job_1' });
      expect(Object.keys(body)).not.toContain('job_id');
      expect(JSON.stringify(body)).not.toMatch(/null|:""|:\[\]/);
    })
  );
});

test('the contract says what is missing, and at which field; the reason may come later', () => {
  const wrong = complaints(
    mutations['scale.migrate'],
    requestOf('scale.migrate', { tenant_id: 'acme', kind: 'aggregate' })
  );
  expect(wrong.map(({ path }) => path)).toEqual(['to']);
  const whole = requestOf('scale.migrate', { tenant_id: 'acme', kind: 'aggregate', to: 'a2' });
  expect(complaints(mutations['scale.migrate'], whole)).toEqual([]);
});

test('a limit out of its bounds is complained about at its field', () => {
  const asked = requestOf('scale.migrate', { tenant_id: 'acme', kind: 'aggregate', to: 'a2', max_in_flight: -1 });
  expect(complaints(mutations['scale.migrate'], asked)).toEqual([{ path: 'max_in_flight', message: 'At least 0' }]);
});

test('a complaint is a sentence for who typed the value', () => {
  const shard = {
    shard_id: 'A 3',
    kind: 'runner',
    endpoint: 'ten',
    labels: {},
    capacity: { tenants: 0.5 },
    region: '',
  };
  const said = complaints(mutations['scale.shards.put'], requestOf('scale.shards.put', shard));
  expect(Object.fromEntries(said.map(({ path, message }) => [path, message]))).toEqual({
    shard_id: 'Lower-case letters, digits and dashes, 1 to 63 of them, no dash first',
    endpoint: 'An address such as http://10.0.0.7:8101',
    'capacity.tenants': 'A whole number',
    region: 'Needed',
  });
  const limits = { tenant_id: 'acme', kind: 'aggregate', to: 'a2', drain_timeout_s: 301, max_in_flight: 200_000 };
  expect(complaints(mutations['scale.migrate'], requestOf('scale.migrate', limits))).toEqual([
    { path: 'max_in_flight', message: 'At most 100\u202f000' },
    { path: 'drain_timeout_s', message: 'At most 300' },
  ]);
});
