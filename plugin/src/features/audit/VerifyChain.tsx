/** Walks the hash chain and says whether every record is the one that was written. */
import React, { useState } from 'react';
import type { Verification } from '@cloudlysis/contract';
import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Modal } from '@grafana/ui';
import { useAbility } from '../../api/abilities';
import { control } from '../../api/control';
import { FaultView } from '../../states/FaultView';
import { count } from '../../table/figures';

export function VerifyChain() {
  const { allowed, reason } = useAbility('audit.verify');
  const [open, setOpen] = useState(false);
  const verify = useMutation({ mutationFn: () => control.read('audit.verify') });
  return (
    <>
      <Button
        variant="secondary"
        icon="shield"
        disabled={!allowed}
        tooltip={reason ?? undefined}
        onClick={() => {
          setOpen(true);
          verify.mutate();
        }}
      >
        Verify chain
      </Button>
      <Modal title="Hash chain" isOpen={open} onDismiss={() => setOpen(false)}>
        {verify.isPending && <p role="status">Walking the chain …</p>}
        {verify.isError && <FaultView error={verify.error} onRetry={() => verify.mutate()} />}
        {verify.data && <Verdict of={verify.data} />}
      </Modal>
    </>
  );
}

function Verdict({ of }: { of: Verification }) {
  const pending = of.pending > 0 ? ` ${count(of.pending)} more are written and not yet in the chain.` : '';
  const aside = of.set_aside ? ` ${count(of.set_aside)} foreign documents were set aside and are on record.` : '';
  if (of.ok) {
    return (
      <Alert severity="success" title={`All ${count(of.checked)} records hold`}>
        {`The chain is whole up to record ${count(of.head.seq)}, hash ${of.head.hash.slice(0, 16)}….${pending}${aside}`}
      </Alert>
    );
  }
  const faults = of.faults ?? [];
  const more = (of.faults_total ?? 0) - faults.length;
  return (
    <>
      <Alert severity="error" title={`Record ${of.first_bad?.seq ?? '?'} does not hold`}>
        {`${of.first_bad?.reason ?? 'The chain is broken.'} ${count(of.checked)} records were walked.${pending}${aside}`}
      </Alert>
      <ul aria-label="What does not hold">
        {faults.map(({ place, record_id, reason }) => (
          <li key={`${place} ${record_id} ${reason}`}>{`${place}: ${reason}`}</li>
        ))}
        {more > 0 && <li>{`and ${count(more)} more`}</li>}
      </ul>
    </>
  );
}
