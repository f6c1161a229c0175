/** What a job waits for, other than its own work: since when, until when, and who can end it. */
import React from 'react';
import type { Job } from '@cloudlysis/contract';
import { Alert, Stack } from '@grafana/ui';
import { AppLink } from '../address/AppLink';
import { paths } from '../address/paths';
import { AbleButton } from '../change/AbleButton';
import { actorName } from '../values/actor-name';
import { Time } from '../values/Time';

export type Waiting = NonNullable<Job['waiting']>;

/** A sentence for where there is no room for more. A service of an earlier version says nothing of it. */
export const waitingWords = (waiting: Job['waiting'] | undefined): string | undefined => {
  switch (waiting?.for) {
    case undefined:
      return undefined;
    case 'lane':
      return `waits for its turn on ${waiting.what}`;
    case 'replica':
      return `waits for a replica that knows ${waiting.what}`;
    case 'time':
      return 'waits for its time';
    case 'signal':
      return `waits for ${waiting.what}`;
    case 'children':
      return waiting.what;
  }
};

interface Props {
  job: Pick<Job, 'job_id' | 'tenant_id'>;
  waiting: Waiting;
}

export function WaitingLine({ job, waiting }: Props) {
  switch (waiting.for) {
    case 'lane':
      return (
        <Alert severity="info" title="Waits for its turn">
          Another job holds {waiting.what} since before <Time at={waiting.since} />:{' '}
          <AppLink to={paths.jobs({ lane: waiting.what, open: 'true' })}>{`jobs on ${waiting.what}`}</AppLink>. It
          begins when that one has ended.
        </Alert>
      );
    case 'replica':
      return (
        <Alert severity="warning" title="Waits for a replica that knows it">
          Since <Time at={waiting.since} /> no replica that runs knows {waiting.what}. It goes on where it was once one
          of a release that does is started; what it has done so far stays as it is.
        </Alert>
      );
    case 'time':
      return (
        <Alert severity="info" title="Waits for its time">
          Since <Time at={waiting.since} />; it goes on by itself <Time at={waiting.until} />. Nobody needs to do
          anything; cancelling ends it.
        </Alert>
      );
    case 'children':
      return (
        <Alert severity="info" title="Waits for the jobs that it started">
          {capital(waiting.what)}, since <Time at={waiting.since} />. Cancelling it cancels those that are under way.
        </Alert>
      );
    case 'signal':
      return <Signal job={job} waiting={waiting} />;
  }
}

function Signal({ job, waiting: { what, since, until, signal } }: Props) {
  const input = { job_id: job.job_id, signal: what };
  const tenant = job.tenant_id === null ? {} : { tenantId: job.tenant_id };
  return (
    <Alert severity="info" title={`Waits for ${what}`}>
      <Stack direction="column" gap={1}>
        <span>
          Since <Time at={since} />
          {until !== null && (
            <>
              ; unless it comes, the job ends <Time at={until} />
            </>
          )}
          . {signal !== null && wordsOf(signal)}
        </span>
        <Stack gap={1}>
          <AbleButton size="sm" icon="check" change="jobs.signal" input={{ ...input, verdict: 'proceed' }} {...tenant}>
            Proceed …
          </AbleButton>
          <AbleButton size="sm" icon="times" change="jobs.signal" input={{ ...input, verdict: 'refuse' }} {...tenant}>
            Refuse …
          </AbleButton>
        </Stack>
      </Stack>
    </Alert>
  );
}

/** Pure: who can end it, and who has said so already. */
export function wordsOf({ permission, except, needed, given }: NonNullable<Waiting['signal']>): string {
  const who = needed === 1 ? `Anybody with ${permission}` : `${needed} people with ${permission}`;
  const others = except === null ? '' : `, other than ${actorName(except)}`;
  const so = given.length === 0 ? '' : ` So far: ${given.map(({ by }) => actorName(by)).join(', ')}.`;
  return `${who}${others} can say proceed or refuse.${so}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
