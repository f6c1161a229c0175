/** Reads as hooks: every one typed by the contract, cancelled when nobody looks any more, kept while it is asked again. */
import type { ReadAnswer, ReadId, ReadInput } from '@cloudlysis/contract';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { control } from './control';
import { faultOf } from './fault';

export type PlainRead = Exclude<ReadId, 'jobs.events' | 'audit.export'>;

export interface Watching {
  /** Milliseconds between looks; none unless told. The page in the background is not refreshed. */
  every?: number | false;
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
  (every: number | false) =>
  ({ state }: { state: { status: string; error: Error | null } }): number | false =>
    state.status === 'error' && faultOf(state.error).passing ? AWAY_MS : every;

export const useRead = <K extends PlainRead>(
  id: K,
  input?: Omit<ReadInput<K>, 'signal'>,
  { every = false, enabled = true }: Watching = {}
): UseQueryResult<ReadAnswer<K>> =>
  useQuery({ ...readQuery(id, input), refetchInterval: lookingAgain(every), enabled });
