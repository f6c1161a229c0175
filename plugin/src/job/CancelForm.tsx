/** What cancelling would undo, and why it is cancelled. */
import React, { useId, useState } from 'react';
import { Reason, type Job } from '@cloudlysis/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Field, Input, Stack, Text } from '@grafana/ui';
import { control } from '../api/control';
import { readKey } from '../api/queries';
import { FaultView } from '../page-parts/FaultView';

export function CancelForm({ job, onClose }: { job: Job; onClose: () => void }) {
  const id = useId();
  const [reason, setReason] = useState('');
  const [intent] = useState(() => crypto.randomUUID());
  const queries = useQueryClient();
  const params = { job_id: job.job_id };
  const plan = useQuery({
    queryKey: ['preflight', 'jobs.cancel', job.job_id, job.steps.map(({ state }) => state).join()],
    queryFn: ({ signal }) => control.preflight('jobs.cancel', { params, body: {}, signal }),
    placeholderData: (before) => before,
  });
  const cancel = useMutation({
    mutationFn: () =>
      control.submit('jobs.cancel', { params, body: { reason: reason.trim() }, idempotencyKey: intent }),
    onSettled: () => queries.invalidateQueries({ queryKey: readKey('jobs.get', { params }) }),
  });
  const undone = plan.data?.steps.map(({ title }) => title) ?? [];
  return (
    <form
      aria-label="Cancel job"
      onSubmit={(event) => {
        event.preventDefault();
        cancel.mutate();
      }}
    >
      <Text color="secondary">
        {undone.length > 0 ? undone.join(' · ') : 'Nothing has been done yet that would be undone.'}
      </Text>
      <Field label="Why cancel" htmlFor={id} description="3 to 500 characters">
        <Input id={id} value={reason} autoFocus onChange={(event) => setReason(event.currentTarget.value)} />
      </Field>
      {cancel.isError && <FaultView error={cancel.error} />}
      <Stack gap={1}>
        <Button type="submit" variant="destructive" disabled={!Reason.safeParse(reason).success || cancel.isPending}>
          Cancel job and undo
        </Button>
        <Button type="button" variant="secondary" onClick={onClose}>
          Let it run
        </Button>
      </Stack>
    </form>
  );
}
