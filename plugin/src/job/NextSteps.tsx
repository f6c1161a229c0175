/** After a job: its audit record, the way back where there is one, another try where it makes sense. */
import React from 'react';
import { isFinal, type Job, type MutationId } from '@cloudlysis/contract';
import { LinkButton, Stack } from '@grafana/ui';
import { paths } from '../address/paths';
import { useCarry } from '../address/carried-params';
import { AbleButton } from '../change/AbleButton';
import { useKnownChanges } from '../change/known-changes';

export function NextSteps({ job }: { job: Job }) {
  const carried = useCarry();
  const { wordsOf } = useKnownChanges();
  const { undo } = job;
  const failed = isFinal(job) && job.state !== 'succeeded';
  return (
    <Stack gap={1} wrap="wrap">
      {undo !== null && isFinal(job) && wordsOf(undo.operation) && (
        <AbleButton
          change={undo.operation as MutationId}
          input={{ ...undo.params, ...(undo.body as object), reason: undefined }}
          icon="history"
          tenantId={job.tenant_id ?? undefined}
        >
          Undo
        </AbleButton>
      )}
      {failed && (
        <AbleButton
          change="jobs.retry"
          input={{ job_id: job.job_id }}
          icon="sync"
          tenantId={job.tenant_id ?? undefined}
        >
          Try again
        </AbleButton>
      )}
      <LinkButton
        variant="secondary"
        fill="outline"
        icon="file-alt"
        href={carried(paths.audit({ job_id: job.job_id }))}
      >
        Audit records
      </LinkButton>
      {job.tenant_id && (
        <LinkButton variant="secondary" fill="outline" icon="users-alt" href={carried(paths.tenant(job.tenant_id))}>
          {job.tenant_id}
        </LinkButton>
      )}
    </Stack>
  );
}
