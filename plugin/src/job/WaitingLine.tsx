/** What a job waits for, other than its own work: since when, and what ends it. */
import React from 'react';
import type { Job } from '@cloudlysis/contract';
import { Alert } from '@grafana/ui';
import { AppLink } from '../app/AppLink';
import { paths } from '../app/routes';
import { Time } from '../table/Time';

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
  }
};

export function WaitingLine({ waiting }: { waiting: Waiting }) {
  return waiting.for === 'lane' ? (
    <Alert severity="info" title="Waits for its turn">
      Another job holds {waiting.what} since before <Time at={waiting.since} />:{' '}
      <AppLink to={paths.jobs({ lane: waiting.what, open: 'true' })}>{`jobs on ${waiting.what}`}</AppLink>. It begins
      when that one has ended.
    </Alert>
  ) : (
    <Alert severity="warning" title="Waits for a replica that knows it">
      Since <Time at={waiting.since} /> no replica that runs knows {waiting.what}. It goes on where it was once one of a
      release that does is started; what it has done so far stays as it is.
    </Alert>
  );
}
