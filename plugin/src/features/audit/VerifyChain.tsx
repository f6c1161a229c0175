/** Walks the hash chain and says whether every record is the one that was written. */
import React, { useRef, useState } from 'react';
import { Problem, type Verification } from '@cloudlysis/contract';
import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Modal } from '@grafana/ui';
import { useAbility } from '../../api/abilities';
import { control } from '../../api/control';
import { FaultView } from '../../page-parts/FaultView';
import { count } from '../../values/figures';

export function VerifyChain() {
  const { allowed, reason } = useAbility('audit.verify');
  const [open, setOpen] = useState(false);
  const [so, setSo] = useState<Progress>();
  const watched = useRef(false);
  const verify = useMutation({ mutationFn: () => walked(() => watched.current, setSo) });
  const begin = () => {
    watched.current = true;
    setSo(undefined);
    verify.mutate();
  };
  const close = () => {
    watched.current = false;
    setOpen(false);
  };
  return (
    <>
      <Button
        variant="secondary"
        icon="shield"
        disabled={!allowed}
        tooltip={reason ?? undefined}
        onClick={() => {
          setOpen(true);
          begin();
        }}
      >
        Verify chain
      </Button>
      <Modal title="Hash chain" isOpen={open} onDismiss={close}>
        {verify.isPending && (
          <p role="status">{so ? `${count(so.checked)} of ${count(so.of)} records walked …` : 'Walking the chain …'}</p>
        )}
        {verify.isError && <FaultView error={verify.error} onRetry={begin} />}
        {verify.data && <Verdict of={verify.data} />}
      </Modal>
    </>
  );
}

interface Progress {
  checked: number;
  of: number;
}

/** A long chain is walked over several requests; the walk goes on for whoever comes back. */
async function walked(isWatched: () => boolean, onProgress: (so: Progress) => void): Promise<Verification> {
  for (;;) {
    try {
      return await control.read('audit.verify');
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'audit.verifying' || !isWatched()) {
        throw error;
      }
      onProgress({ checked: Number(error.extra.checked), of: Number(error.extra.of) });
    }
  }
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
