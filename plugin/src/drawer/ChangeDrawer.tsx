/** The one drawer of every mutation: what, preflight, reason; then the job until its proof. */
import React, { useEffect, useRef, useState, type ReactNode } from 'react';
import { isFinal, type Job, type MutationId } from '@cloudlysis/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Drawer } from '@grafana/ui';
import { readKey } from '../api/queries';
import { JobView } from '../job/JobView';
import type { ChangeWords } from '../change/change-words';
import { useKnownChanges } from '../change/known-changes';
import { ChangeForm } from './ChangeForm';
import { useChange, useFollowedChanges, type OpenChange } from '../change/open-changes';
import { shownInput } from '../change/secret-fields';
import { PlanSkeleton } from '../plan/PlanView';

export function ChangeDrawer() {
  const { current, close } = useChange();
  const { wordsOf } = useKnownChanges();
  const forgetIfEnded = useForgetIfEnded();
  if (current === null) {
    return null;
  }
  const words = wordsOf(current.id);
  return words === undefined ? (
    <Drawer title="Unknown change" onClose={close}>
      <Alert severity="error" title="This link asks for a change that there is not">
        {current.id}
      </Alert>
    </Drawer>
  ) : (
    <Opened
      key={current.intent}
      words={words}
      change={current}
      onClose={() => {
        forgetIfEnded(current.jobId);
        close();
      }}
    />
  );
}

interface OpenedProps {
  words: ChangeWords;
  change: OpenChange;
  onClose: () => void;
}

function Opened({ words, change, onClose }: OpenedProps) {
  const [title, setTitle] = useState(() => words.title(shownInput(change.id, change.input)));
  return (
    <Drawer title={title} size="md" onClose={onClose} closeOnMaskClick={change.jobId !== null}>
      {change.jobId === null ? (
        <Form words={words} change={change} onTitle={setTitle} onClose={onClose} />
      ) : (
        <Focused>
          <JobView jobId={change.jobId} />
        </Focused>
      )}
    </Drawer>
  );
}

/** What a form needs is loaded with it; that it cannot be loaded is the matter of the app's own error boundary. */
function Form({ words, change, ...rest }: OpenedProps & { onTitle: (title: string) => void }) {
  const { load } = useKnownChanges();
  const { data: spec } = useQuery({
    queryKey: ['form', change.id],
    queryFn: async () => (await load(change.id)) ?? null,
    staleTime: Infinity,
    throwOnError: true,
  });
  return spec ? (
    <ChangeForm id={change.id as MutationId} words={words} spec={spec} change={change} {...rest} />
  ) : (
    <PlanSkeleton />
  );
}

/** Whoever closes the drawer has seen how it ended; what still runs stays in the strip. */
function useForgetIfEnded() {
  const queries = useQueryClient();
  const { forget } = useFollowedChanges();
  return (jobId: string | null) => {
    const job =
      jobId === null ? undefined : queries.getQueryData<Job>(readKey('jobs.get', { params: { job_id: jobId } }));
    if (job !== undefined && isFinal(job)) {
      forget(job.job_id);
    }
  };
}

/** The form is gone with the focus that was in it: without a new place for it, Escape would not reach the drawer. */
function Focused({ children }: { children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    <div ref={place} tabIndex={-1} style={{ outline: 'none' }}>
      {children}
    </div>
  );
}
