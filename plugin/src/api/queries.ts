/** Reads as hooks: every one typed by the contract, cancelled when nobody looks any more, kept while it is asked again. */
import type { ReadAnswer, ReadId, ReadInput } from '@cloudlysis/contract';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { control } from './control';
import { faultOf } from './fault';

export type PlainRead = Exclude<ReadId, 'jobs.events' | 'audit.export'>;

/** Milliseconds to the next look, false for none; by what is known, where that decides. */
type Rhythm<Known> = number | false | ((known: Known | undefined) => number | false);

export interface Watching<Known = unknown> {
  /** None unless told. The page in the background is not refreshed. */
  every?: Rhythm<Known>;
  enabled?: boolean;
}

export const readKey = <K extends PlainRead>(id: K, input?: Omit<ReadInput<K>, 'signal'>) =>
  [id, input?.params ?? {}, input?.query ?? {}] as const;

export const readQuery = <K extends PlainRead>(id: K, input?: Omit<ReadInput<K>, 'signal'>) => ({
  queryKey: readKey(id, input),
  queryFn: ({ signal }: { signal: AbortSignal }): Promise<ReadAnswer<K>> =>
    (control.read as (id: K, input: unknown) => Promise<ReadAnswer<K>>)(id, { ...input, signal }),
});

/** While the service is away it is asked every 3 s, whatever the rhythm is otherwise: a page comes back by itself. */
const AWAY_MS = 3_000;

export const lookingAgain =
  <Known>(every: Rhythm<Known>) =>
  ({ state }: { state: { status: string; error: Error | null; data?: Known | undefined } }): number | false => {
    if (state.status === 'error' && faultOf(state.error).passing) {
      return AWAY_MS;
    }
    return typeof every === 'function' ? every(state.data) : every;
  };

export const useRead = <K extends PlainRead>(
  id: K,
  input?: Omit<ReadInput<K>, 'signal'>,
  { every = false, enabled = true }: Watching<ReadAnswer<K>> = {}
): UseQueryResult<ReadAnswer<K>> =>
  useQuery({ ...readQuery(id, input), refetchInterval: lookingAgain(every), enabled });
