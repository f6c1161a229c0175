/** What the caller may do, exactly as the service would decide; asked again every 10 s, so a new role counts without a reload. */
import { Problem, type ReadAnswer } from '@cloudlysis/contract';
import { useQuery } from '@tanstack/react-query';
import { lookingAgain, readQuery } from './queries';

type Me = ReadAnswer<'identity.me'>;

export interface Ability {
  readonly allowed: boolean;
  /** Why not, as the service says it; null where allowed or not known yet. */
  readonly reason: string | null;
}

const EVERY_MS = 10_000;

export const useMe = (tenantId?: string) =>
  useQuery({
    ...readQuery('identity.me', tenantId === undefined ? {} : { query: { tenant_id: tenantId } }),
    refetchInterval: lookingAgain(EVERY_MS),
    select: fromTheControlPlane,
  });

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** All that pages decide on. By hand: the schema would weigh more than all else of a first page. */
export const isMe = (me: unknown): boolean =>
  isObject(me) &&
  isObject(me['principal']) &&
  typeof me['principal']['id'] === 'string' &&
  Array.isArray(me['assignments']) &&
  isObject(me['abilities']) &&
  Object.values(me['abilities']).every((ability) => isObject(ability) && typeof ability['allowed'] === 'boolean');

/** The first answer of every page: whoever gives another than the contract's is not the service. */
function fromTheControlPlane(me: Me): Me {
  if (isMe(me)) {
    return me;
  }
  throw new Problem('route.unknown', 'Something answers at that address, but not as this plugin’s control plane', {
    http_status: 404,
  });
}

/** Until the service has answered nothing is allowed: a page never offers what it does not know to be permitted. */
export function useAbility(operationId: string, tenantId?: string): Ability {
  const { data } = useMe(tenantId);
  return data?.abilities[operationId] ?? { allowed: false, reason: null };
}
