import { describe, expect, it } from '@jest/globals';
import type { TenantEvent } from '../platform/event-log.ts';
import { seeded } from './random.ts';
import { nextCommand } from './run-load.ts';
import { Tally } from './tally.ts';
import { checkLog } from './verify-log.ts';

const log = (...ids: string[]): TenantEvent[] =>
  ids.map((id, i) => ({ command_id: id, version: i + 1 }) as TenantEvent);

describe('load generator', () => {
  it('counts what is lost, doubled or missing in a log', () => {
    expect(checkLog(log('a', 'b'), new Map([['a', 1]]))).toMatchObject({ lost: 0, duplicated: 0, gaps: 0 });
    expect(checkLog(log('a'), new Map([['b', 1]])).lost).toBe(1);
    expect(checkLog(log('a', 'b'), new Map([['b', 1]])).lost).toBe(1);
    expect(checkLog(log('a', 'a'), new Map()).duplicated).toBe(1);
    expect(checkLog(log('a', 'b').slice(1), new Map()).gaps).toBe(1);
  });

  it('the same seed gives the same commands', () => {
    const run = () =>
      Array.from(
        { length: 50 },
        (
          (random) => () =>
            nextCommand(random)
        )(seeded(7)),
      );
    expect(run()).toEqual(run());
  });

  it('a pause is time in which a command waited, not time in which nobody asked', () => {
    const tally = new Tally(['t']);
    tally.sent('t', 0);
    tally.acknowledged('t', 'a', 1, 0, 10);
    tally.sent('t', 1000);
    tally.sent('t', 1010);
    tally.acknowledged('t', 'b', 2, 1000, 1040);
    tally.acknowledged('t', 'c', 3, 1010, 1045);
    expect(tally.perTenant.get('t')!.write_pause_ms).toBe(40);
  });
});
