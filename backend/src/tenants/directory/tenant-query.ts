/** Pure: what a list of tenants is asked for — which fit, in which order, from where. */
import { folded, Problem, type reads, type TenantSort } from '@cloudlysis/contract';
import type { Call } from '../../call/call.ts';
import { decodeCursor } from '../../kernel/paging.ts';
import type { Visible } from '../../call/principal.ts';
import type { Entry } from './directory-entry.ts';
import type { TenantRecord } from './tenants.ts';

type ListQuery = Call<(typeof reads)['tenants.list']>['query'];
/** Ordered by id unless told. */
export type TenantQuery = Omit<ListQuery, 'sort'> & { readonly sort?: TenantSort | undefined };
export type TenantFilter = Omit<TenantQuery, 'cursor' | 'limit' | 'sort' | 'environment'>;

export function fitting({ search, ...filter }: TenantFilter, visible: Visible): (entry: Entry) => boolean {
  const { state, plan, shard_id } = filter;
  const wanted = search === undefined ? undefined : folded(search);
  return ({ record, status, placements, haystack }) => {
    if (visible !== 'all' && !visible.has(record._id)) return false;
    if (state !== undefined && status.state !== state) return false;
    if (plan !== undefined && record.metadata.plan !== plan) return false;
    if (shard_id !== undefined && !placements?.some((at) => at.shard_id === shard_id)) return false;
    return wanted === undefined || haystack.includes(wanted);
  };
}

/** A space sorts before every character of an id, and every instant is as long as any other. */
export const updatedKeyOf = ({ _id, updated_at }: TenantRecord): string => `${updated_at.toISOString()} ${_id}`;
export const idIn = (updatedKey: string): string => updatedKey.slice(updatedKey.indexOf(' ') + 1);

/** As `updatedKeyOf` has it: a foreign id may have spaces, too. */
const BY_UPDATE = /^\+?\d+-\d\d-\d\dT[\d:.]+Z /;

/** A cursor of another order would begin somewhere and look as if it were right. @throws Problem `cursor.invalid` */
export function positionOf(cursor: string, sort: TenantSort): string {
  const position = decodeCursor(cursor, 'string');
  if (BY_UPDATE.test(position) !== sort.endsWith('updated_at'))
    throw new Problem('cursor.invalid', `The cursor is not one of the order ${sort}`);
  return position;
}
