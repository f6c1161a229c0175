import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { apply, decide, type Command } from './accounts.ts';

const account = fc.constantFrom('a', 'b', 'c', 'constructor');
const amount = fc.integer({ min: 1, max: 1000 });
const command: fc.Arbitrary<Command> = fc
  .oneof(
    fc.record({ type: fc.constantFrom('deposit', 'withdraw'), data: fc.record({ account, amount }) }),
    fc.record({ type: fc.constant('transfer'), data: fc.record({ from: account, to: account, amount }) }),
  )
  .map((one) => ({ command_id: 'c', ...one }));

describe('accounts', () => {
  it('SCL-06 any run of commands keeps balances whole, and folding the log again gives the same state', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        const live = new Map<string, number>();
        const log = [];
        let inside = 0;
        for (const one of commands) {
          const decision = decide(live, one);
          expect(decide(live, one)).toEqual(decision);
          if (!('event' in decision)) continue;
          log.push(decision.event);
          apply(live, decision.event);
          const moved = decision.event.data['amount'] as number;
          inside += decision.event.type === 'deposited' ? moved : decision.event.type === 'withdrawn' ? -moved : 0;
        }
        const replayed = new Map<string, number>();
        for (const event of log) apply(replayed, event);
        expect([...replayed]).toEqual([...live]);
        expect([...live.values()].every((balance) => balance >= 0)).toBe(true);
        expect([...live.values()].reduce((a, b) => a + b, 0)).toBe(inside);
      }),
    );
  });

  it('refuses what is not a command and declines what cannot be done', () => {
    const ask = (type: string, data: Record<string, unknown>) => decide(new Map(), { command_id: 'c', type, data });
    expect(ask('burn', {})).toHaveProperty('invalid');
    expect(ask('deposit', { account: '../x', amount: 1 })).toHaveProperty('invalid');
    expect(ask('deposit', { account: 'a', amount: 0.5 })).toHaveProperty('invalid');
    expect(ask('deposit', { account: 'a', amount: 1, note: 'x' })).toHaveProperty('invalid');
    expect(ask('transfer', { from: 'a', to: 'a', amount: 1 })).toHaveProperty('invalid');
    expect(ask('withdraw', { account: 'a', amount: 1 })).toMatchObject({ declined: 'funds.insufficient' });
  });
});
