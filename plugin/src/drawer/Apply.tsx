/** The reason, and Apply for exactly the plan that is shown; what stands between the operator and Apply is said. */
import React, { useId, useState } from 'react';
import { Reason, type MutationId, type Plan } from '@cloudlysis/contract';
import { useMutation } from '@tanstack/react-query';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Field as Labelled, Stack, TextArea, useStyles2 } from '@grafana/ui';
import { useAbility } from '../api/abilities';
import { control } from '../api/control';
import { faultOf } from '../api/fault';
import type { ChangeWords } from '../change/change-words';
import { useChange, useFollowedChanges, type OpenChange } from '../change/open-changes';
import { shownInput } from '../change/secret-fields';
import { FaultView } from '../page-parts/FaultView';
import { blockedBy } from '../plan/PlanView';
import type { FormRequest } from './form-request';

interface Props {
  id: MutationId;
  words: ChangeWords;
  change: OpenChange;
  asked: FormRequest;
  /** The plan that is in sight and fits the fields; nothing is applied without. */
  plan: Plan | undefined;
  onStale: () => void;
  onClose: () => void;
}

export function Apply({ id, words, change, asked, plan, onStale, onClose }: Props) {
  const reasonId = useId();
  const [reason, setReason] = useState('');
  const ability = useAbility(id, typeof change.input['tenant_id'] === 'string' ? change.input['tenant_id'] : undefined);
  const { follow } = useFollowedChanges();
  const { submitted } = useChange();
  const submit = useMutation({
    mutationFn: () =>
      control.submit(id, {
        params: asked.params,
        body: { ...asked.body, reason: reason.trim() },
        idempotencyKey: change.intent,
        planHash: plan?.hash,
      } as never),
    onSuccess: ({ job }) => {
      follow({ jobId: job.job_id, title: words.title(shownInput(id, { ...asked.params, ...asked.body })) });
      submitted(job.job_id);
    },
    onError: (error) => {
      if (faultOf(error).kind === 'conflict') {
        onStale();
      }
    },
  });
  const reasoned = Reason.safeParse(reason).success;
  const why = whyNot(plan, reasoned, ability);
  const styles = useStyles2(getFooterStyles);
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (why === null && !submit.isPending) {
          submit.mutate();
        }
      }}
    >
      <Labelled
        htmlFor={reasonId}
        description="Kept with the audit record, for whoever asks later: 3 to 500 characters"
        label="Reason"
        className={styles.reason}
      >
        <TextArea
          id={reasonId}
          rows={2}
          maxLength={500}
          value={reason}
          placeholder="INC-42: a1 disk latency"
          onChange={(event) => setReason(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
              event.currentTarget.form?.requestSubmit();
            }
          }}
        />
      </Labelled>
      {submit.isError && <FaultView error={submit.error} />}
      <div className={styles.footer}>
        <Stack gap={1} justifyContent="flex-end" alignItems="center">
          <span className={styles.why} role="status">
            {why}
          </span>
          <Button type="button" variant="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            variant={plan?.risk === 'high' ? 'destructive' : 'primary'}
            disabled={why !== null || submit.isPending}
          >
            {submit.isPending ? 'Asking …' : plan ? `Apply plan ${plan.hash.slice(0, 6)}` : 'Apply'}
          </Button>
        </Stack>
      </div>
    </form>
  );
}

/** What stands between the operator and Apply; null when nothing does. */
function whyNot(
  plan: Plan | undefined,
  reasoned: boolean,
  ability: { allowed: boolean; reason: string | null }
): string | null {
  if (!ability.allowed) {
    return ability.reason ?? 'Asking what you may do';
  }
  if (plan === undefined) {
    return 'The plan is not there yet';
  }
  if (plan.blockers.length > 0) {
    return plan.blockers.length === 1 ? `Blocked: ${plan.blockers[0]?.detail}` : blockedBy(plan);
  }
  return reasoned ? null : 'Give the reason first';
}

const getFooterStyles = (theme: GrafanaTheme2) => ({
  // No box of its own: the footer sticks to the drawer, so that Apply and what it waits for are always in sight.
  form: css({ display: 'contents' }),
  reason: css({
    marginBottom: theme.spacing(1),
    // What has the focus is not behind the footer.
    '& textarea': { scrollMarginBottom: theme.spacing(12) },
  }),
  why: css({ flex: 1, color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
  footer: css({
    position: 'sticky',
    bottom: 0,
    padding: theme.spacing(1.5, 0),
    background: theme.colors.background.primary,
    borderTop: `1px solid ${theme.colors.border.weak}`,
  }),
});
