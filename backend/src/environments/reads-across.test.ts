// Lists over environments: every item once, whatever the pages, and only of where the caller may look.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Visible } from '../call/principal.ts';
import { decodeCursor, encodeCursor } from '../kernel/paging.ts';
import { Problem } from '@cloudlysis/contract';
import { readsAcross } from './reads-across.ts';

type Page = { items: { environment: string; tenant_id: string }[]; next_cursor: string | null; total: number };

/** A list of `count` tenants, paged as every list is. */
const listOf = (environment: string, count: number) => ({
  'tenants.list': async ({ query, visible }: { query: { limit: number; cursor?: string }; visible: Visible }) => {
    const all = Array.from({ length: count }, (_, n) => ({ environment, tenant_id: `t-${n}` })).filter(
      ({ tenant_id }) => visible === 'all' || visible.has(tenant_id),
    );
    const from = query.cursor === undefined ? 0 : Number(decodeCursor(query.cursor, 'string'));
    const items = all.slice(from, from + query.limit);
    const isMore = from + query.limit < all.length;
    return { items, next_cursor: isMore ? encodeCursor(String(from + query.limit)) : null, total: all.length };
  },
});

const callOf = (query: object, visibleIn: (environment: string) => Visible, environment: string | null = null) => ({
  query, visibleIn, environment, visible: environment === null ? 'all' : visibleIn(environment), signal: AbortSignal.timeout(1_000), params: {}, body: {},
}); // prettier-ignore

it('GEN-29 UI-15 pages over all environments show each item once, in their order, and count all', async () => {
  const visible = fc.oneof(fc.constant<Visible>('all'), fc.constant<Visible>(new Set()), fc.constant<Visible>(new Set(['t-0', 't-2']))); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(7), visible), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 9 }),
      async (given, limit) => {
        const each = new Map(given.map(([count], n) => [`env-${n}`, listOf(`env-${n}`, count)]));
        const sight = new Map(given.map(([, seen], n) => [`env-${n}`, seen]));
        const across = readsAcross(each)['tenants.list'] as unknown as (call: unknown) => Promise<Page>;
        const wanted = given.flatMap(([count, seen], n) =>
          Array.from({ length: count }, (_, at) => `env-${n}/t-${at}`).filter((id) => seen === 'all' || seen.has(id.split('/')[1]!)),
        ); // prettier-ignore
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await across(callOf({ limit, ...(cursor ? { cursor } : {}) }, (id) => sight.get(id)!));
          expect(page.items.length).toBeLessThanOrEqual(limit);
          expect(page.total ?? 0).toBe(wanted.length);
          found.push(...page.items.map(({ environment, tenant_id }) => `${environment}/${tenant_id}`));
          cursor = page.next_cursor ?? undefined;
        } while (cursor !== undefined);
        expect(found).toEqual(wanted);
      },
    ),
  );
});

it('GEN-29 a read that names its environment is answered by that one alone', async () => {
  const across = readsAcross(new Map(['dev', 'prod'].map((id) => [id, listOf(id, 3)])))['tenants.list'] as unknown as (call: unknown) => Promise<Page>; // prettier-ignore
  const page = await across(callOf({ limit: 9 }, () => 'all', 'prod'));
  expect([page.total, new Set(page.items.map(({ environment }) => environment))]).toEqual([3, new Set(['prod'])]);
});

it('GEN-29 NFR-07 what one environment cannot tell keeps the others from nothing, and is named', async () => {
  const drift = (environment: string, fails = false) => ({
    'scale.drift.get': async () => {
      if (fails) throw new Problem('bus.unavailable', 'NATS does not answer');
      return { items: [{ environment }], checked: 3, unreachable: [] };
    },
  });
  const across = readsAcross(new Map([['dev', drift('dev')], ['staging', drift('staging', true)], ['prod', drift('prod')]])); // prettier-ignore
  const ask = across['scale.drift.get'] as unknown as (call: unknown) => Promise<unknown>;
  expect(await ask(callOf({}, () => 'all'))).toEqual({
    items: [{ environment: 'dev' }, { environment: 'prod' }],
    checked: 6,
    unreachable: [],
    missing: [{ environment: 'staging', reason: 'NATS does not answer' }],
  });
});
