/** A job, live: over its event stream, by asking while the stream is away. */
import { isFinal, urlOfRead, type Job } from '@cloudlysis/contract';
import { useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { readKey, useRead } from './queries';
import { proxyUrl } from './transport';

const POLL_MS = 1_000;
/** Beside a stream that is open: a safety net, no more. */
const LIVE_MS = 5_000;
/** A stream that was refused, as while the service restarts, stays closed: it is opened anew. */
const REOPEN_MS = 2_000;

export interface FollowedJob {
  readonly query: UseQueryResult<Job>;
  /** Whether changes arrive by themselves; false while the page has to ask. */
  readonly live: boolean;
}

/** Each event carries the whole job, so a lost one costs nothing. */
export function useJob(jobId: string): FollowedJob {
  const [live, setLive] = useState(false);
  const [opening, setOpening] = useState(0);
  const client = useQueryClient();
  const cached = client.getQueryData<Job>(readKey('jobs.get', { params: { job_id: jobId } }));
  const ended = cached !== undefined && isFinal(cached);
  const query = useRead('jobs.get', { params: { job_id: jobId } }, { every: ended ? false : live ? LIVE_MS : POLL_MS });

  useEffect(() => {
    if (ended || typeof EventSource === 'undefined') {
      return;
    }
    const events = new EventSource(proxyUrl(urlOfRead('jobs.events', { params: { job_id: jobId } })));
    events.addEventListener('open', () => setLive(true));
    let reopen: ReturnType<typeof setTimeout> | undefined;
    events.addEventListener('error', () => {
      setLive(false);
      if (events.readyState === EventSource.CLOSED) {
        reopen = setTimeout(() => setOpening((count) => count + 1), REOPEN_MS);
      }
    });
    events.addEventListener('job', (event: MessageEvent<string>) => {
      const job = JSON.parse(event.data) as Job;
      const key = readKey('jobs.get', { params: { job_id: jobId } });
      // A look that began before this event would put an older state over it, and no further event may come for long.
      void client.cancelQueries({ queryKey: key }).then(() => client.setQueryData(key, job));
      if (isFinal(job)) {
        events.close();
        setLive(false);
      }
    });
    return () => {
      clearTimeout(reopen);
      events.close();
      setLive(false);
    };
  }, [client, jobId, ended, opening]);

  return { query, live };
}
