import fc from 'fast-check';
import { fromAddress } from './open-changes';

test('UI-21 an address names the change, its input, its intent and its job', () => {
  const input = JSON.stringify({ tenant_id: 'acme' });
  const query = new URLSearchParams({ change: 'scale.migrate', intent: 'i', input, job: 'job_1' });
  expect(fromAddress(query)).toEqual({
    id: 'scale.migrate',
    input: { tenant_id: 'acme' },
    intent: 'i',
    jobId: 'job_1',
  });
});

test.each(['', 'change=scale.migrate', 'intent=i', 'change=c&intent=i&input={', 'change=c&intent=i&input=[]'])(
  '"%s" opens nothing',
  (query) => expect(fromAddress(new URLSearchParams(query))).toBeNull()
);

test('no address breaks the page', () => {
  const name = fc.constantFrom('change', 'intent', 'input', 'job');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(fc.tuple(name, fc.oneof(fc.string(), fc.json())))), (query) => {
      const change = fromAddress(new URLSearchParams(query));
      expect(change === null || (typeof change.input === 'object' && !Array.isArray(change.input))).toBe(true);
    })
  );
});
