import { spokenFacts } from './ProofView';

test('UI-21 facts are spoken with their units, the move first', () => {
  const facts = {
    lost: 0,
    write_pause_ms: 210,
    drain_s: 2,
    from: 'a1',
    to: 'a2',
    revision: 42,
    events_from: 1,
    events_to: 9,
  };
  expect(spokenFacts(facts)).toEqual([
    ['moved', 'a1 → a2, revision 42'],
    ['lost', '0'],
    ['write pause', '210 ms'],
    ['drain', '2 s'],
  ]);
});

test('a proof that moved nothing says no move, and what it does not know is a dash', () => {
  expect(spokenFacts({ tenants: 3, write_pause_ms: null })).toEqual([
    ['tenants', '3'],
    ['write pause', '–'],
  ]);
});
