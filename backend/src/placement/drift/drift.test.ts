// What counts as drift, and what a tenant's log proves of a move.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TenantEvent } from '../../ports/nats/index.ts';
import { driftOf, type Agreement } from './drift.ts';
import { logVerdictOf } from '../migrate/log-verdict.ts';

describe('GEN-30 drift between record, publication and nodes', () => {
  const agreed: Agreement = {
    tenantId: 'acme', kind: 'aggregate', recorded: { shardId: 'a1', revision: 3 },
    published: { shard: 'a1', revision: 3, job_id: null }, reported: [{ shardId: 'a1', revision: 3 }],
    routed: [{ gateway: 'g1', shardId: 'a1', revision: 3 }],
    answered: new Set(['a1', 'a2']), readOnly: false,
  }; // prettier-ignore
  const reason = (over: Partial<Agreement>) => driftOf({ ...agreed, ...over })?.reason ?? null;

  it('names who disagrees', () => {
    expect(reason({})).toBeNull();
    expect(reason({ published: null })).toBe('recorded on a1, published nowhere');
    expect(reason({ published: { shard: 'a2', revision: 3, job_id: null } })).toBe('recorded on a1, published on a2');
    expect(reason({ published: { shard: 'a1', revision: 4, job_id: null } })).toBe(
      'recorded at revision 3, published at 4',
    );
    expect(reason({ reported: [] })).toBe('recorded on a1, whose node does not hold it');
    expect(reason({ reported: [], answered: new Set(['a2']) })).toBeNull();
    expect(reason({ reported: [...agreed.reported, { shardId: 'a2', revision: 2 }] })).toBe(
      'a2 still holds it, recorded on a1',
    );
    expect(reason({ reported: [{ shardId: 'a1', revision: 2 }] })).toBe('a1 is at revision 2, recorded is 3');
    expect(reason({ recorded: { shardId: null, revision: 4 } })).toMatch(/^published on a1, though .* released$/);
  });

  it.each([
    ['routes to another shard', 'a2', 3, 'g1 routes it to a2 at revision 3, recorded on a1 at revision 3'],
    ['is behind', 'a1', 2, 'g1 routes it to a1 at revision 2, recorded on a1 at revision 3'],
    ['is ahead', 'a1', 7, 'g1 routes it to a1 at revision 7, recorded on a1 at revision 3'],
    ['does not know the tenant', null, 0, 'g1 does not know it, recorded on a1 at revision 3'],
  ])('NFR-07 a gateway that %s is drift, and is named', (_what, shardId, revision, says) => {
    const routed = [{ gateway: 'g1', shardId, revision }, { gateway: 'g2', shardId: 'a1', revision: 3 }]; // prettier-ignore
    expect(driftOf({ ...agreed, routed })).toMatchObject({ reason: says, misrouted: ['g1'], repairable: true });
  });

  it('NFR-07 a gateway that routes what is recorded on no shard is drift; one that forgot it is not', () => {
    const gone = { ...agreed, recorded: { shardId: null, revision: 4 }, published: null, reported: [] };
    expect(driftOf({ ...gone, routed: [{ gateway: 'g1', shardId: 'a1', revision: 3 }] })?.misrouted).toEqual(['g1']);
    expect(driftOf({ ...gone, routed: [{ gateway: 'g1', shardId: null, revision: 0 }] })).toBeNull();
  });

  it('NFR-07 a node ahead of the record would ignore the next placement: that is drift, too', () => {
    expect(reason({ reported: [{ shardId: 'a1', revision: 9 }] })).toBe('a1 is at revision 9, recorded is 3');
  });

  it('mends everything but what nobody recorded, and nothing where a file decides', () => {
    expect(driftOf({ ...agreed, recorded: null, reported: [] })).toMatchObject({ repairable: false });
    expect(driftOf({ ...agreed, published: null })).toMatchObject({ repairable: true });
    expect(driftOf({ ...agreed, published: null, readOnly: true })).toMatchObject({ repairable: false });
  });
});

describe('SCL-06 what the log proves', () => {
  const event = (seq: number, version: number, over: Partial<TenantEvent> = {}): TenantEvent => ({
    seq, version, event_id: `e${seq}`, tenant_id: 'acme', command_id: `c${version}`, shard_id: 'a1', storedAt: seq * 10, ...over,
  }); // prettier-ignore
  const read = (events: TenantEvent[], version = 0, seq = 0) =>
    logVerdictOf({ baseline: { version, seq }, events, from: 'a1', to: 'a2' });

  it('counts gaps as lost and repeated versions or commands as duplicated', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (kept) => {
        const sorted = [...kept].sort((a, b) => a - b);
        const verdict = read(sorted.map((version) => event(version, version)));
        expect(verdict.lost).toBe(sorted.at(-1)! - sorted.length);
        expect(verdict.duplicated).toBe(0);
      }),
    );
    expect(read([event(1, 1), event(2, 2), event(3, 2)])).toMatchObject({ lost: 0, duplicated: 1 });
    expect(read([event(1, 1), event(2, 2, { command_id: 'c1' })])).toMatchObject({ duplicated: 1, commands: 1 });
  });

  it('compares with what came before the baseline, and counts only what came after', () => {
    const before = [event(1, 1), event(2, 2)];
    expect(read([...before, event(5, 3)], 2, 2)).toMatchObject({
      commands: 1,
      events_from: 3,
      events_to: 3,
      duplicated: 0,
    });
    expect(read([...before, event(5, 3, { command_id: 'c1' })], 2, 2)).toMatchObject({ duplicated: 1 });
    expect(read(before, 2, 2)).toMatchObject({
      commands: 0,
      lost: 0,
      events_from: 2,
      events_to: 2,
      write_pause_ms: null,
    });
  });

  it('tells the write pause by the stream’s own timestamps', () => {
    const moved = event(3, 3, { shard_id: 'a2', storedAt: 57.25 });
    expect(read([event(1, 1), event(2, 2), moved]).write_pause_ms).toBe(37.3);
    expect(read([event(1, 1), { ...moved, storedAt: 100_000 }]).write_pause_ms).toBeNull();
  });
});
