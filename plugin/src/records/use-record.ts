/** One plain record on a page of something else: there, not there, or not to be read, which is never taken for not there. */
import { Problem, type ReadAnswer, type ReadInput, type Unreadable } from '@cloudlysis/contract';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { lookingAgain, readQuery } from '../api/queries';
import type { RecordName } from './record-changes';

type Get = `${RecordName}.get`;

export interface KnownRecord<T> {
  /** Null where there is none, and where it cannot be read. */
  readonly record: T | null;
  /** As a list tells of it. */
  readonly unreadable?: readonly Unreadable[];
}

/** What the service says of it: an answer, too. */
function saidOf(error: unknown): KnownRecord<never> {
  const { code, extra } = error instanceof Problem ? error : { code: null, extra: {} as Record<string, unknown> };
  switch (code) {
    case 'resource.unknown':
      return { record: null };
    case 'record.unreadable':
      return { record: null, unreadable: [{ id: String(extra['record_id']), reason: String(extra['reason']) }] };
    default:
      throw error;
  }
}

export function useRecord<K extends Get>(
  id: K,
  params: ReadInput<K>['params'],
  every: number
): UseQueryResult<KnownRecord<ReadAnswer<K>>> {
  const { queryKey, queryFn } = readQuery(id, { params } as Omit<ReadInput<K>, 'signal'>);
  return useQuery({
    queryKey: [...queryKey, 'known'],
    queryFn: (context): Promise<KnownRecord<ReadAnswer<K>>> => queryFn(context).then((record) => ({ record }), saidOf),
    refetchInterval: lookingAgain(every),
  });
}
