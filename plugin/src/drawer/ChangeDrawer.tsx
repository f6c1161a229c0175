/** The one drawer of every mutation: what, preflight, reason; then the job until its proof. */
import React, { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Job } from '@cloudlysis/contract';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, Drawer } from '@grafana/ui';
import { isFinal } from '../api/follow-job';
import { readKey } from '../api/queries';
import { JobView } from '../job/JobView';
import type { ChangeSpec } from '../change/change-spec';
import { ChangeForm } from './ChangeForm';
import { useChange, useFollowedChanges, type OpenChange } from '../change/open-changes';
import { changeSpec } from '../change/registry';

export function ChangeDrawer() {
  const { current, close } = useChange();
  const forgetIfEnded = useForgetIfEnded();
  if (current === null) {
    return null;
  }
  const spec = changeSpec(current.id);
  return spec === undefined ? (
    <Drawer title="Unknown change" onClose={close}>
      <Alert severity="error" title="This link asks for a change that there is not">
        {current.id}
      </Alert>
    </Drawer>
  ) : (
    <Opened
      key={current.intent}
      spec={spec}
      change={current}
      onClose={() => {
        forgetIfEnded(current.jobId);
        close();
      }}
    />
  );
}

function Opened({ spec, change, onClose }: { spec: ChangeSpec; change: OpenChange; onClose: () => void }) {
  const [title, setTitle] = useState(() => spec.title({ ...spec.initial, ...change.input }));
  return (
    <Drawer title={title} size="md" onClose={onClose} closeOnMaskClick={change.jobId !== null}>
      {change.jobId === null ? (
        <ChangeForm spec={spec} change={change} onTitle={setTitle} onClose={onClose} />
      ) : (
        <Focused>
          <JobView jobId={change.jobId} />
        </Focused>
      )}
    </Drawer>
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
