/** Cancelling a job that runs: what would be undone, a reason, and then it is asked for. */
import React, { lazy, Suspense, useState } from 'react';
import type { Job } from '@cloudlysis/contract';
import { Button, Stack, Text } from '@grafana/ui';
import { useAbility } from '../api/abilities';

/** With it comes the contract's rule for a reason, which no page needs to show a job. */
const CancelForm = lazy(async () => ({ default: (await import('./CancelForm')).CancelForm }));

export function CancelJob({ job }: { job: Job }) {
  const [asking, setAsking] = useState(false);
  const ability = useAbility('jobs.cancel', job.tenant_id ?? undefined);
  if (job.state === 'cancelling') {
    return <Text color="secondary">Cancelling: finished steps are undone, the last one first.</Text>;
  }
  return asking ? (
    <Suspense fallback={null}>
      <CancelForm job={job} onClose={() => setAsking(false)} />
    </Suspense>
  ) : (
    <Stack>
      <Button
        variant="destructive"
        fill="outline"
        disabled={!ability.allowed}
        tooltip={ability.reason ?? undefined}
        onClick={() => setAsking(true)}
      >
        Cancel job
      </Button>
    </Stack>
  );
}
