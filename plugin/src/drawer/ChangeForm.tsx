/** Before the job: the fields, the plan made from them as they change, the reason, and Apply for exactly the plan that is shown. */
import React, { useEffect, useId, useMemo, useState } from 'react';
import { Reason, type MutationId, type Plan } from '@cloudlysis/contract';
import { useMutation, useQuery } from '@tanstack/react-query';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Field as Labelled, Stack, TextArea, useStyles2 } from '@grafana/ui';
import { get, useForm, useWatch } from 'react-hook-form';
import { useAbility } from '../api/abilities';
import { control } from '../api/control';
import { faultOf } from '../api/fault';
import { useSearch } from '../address/search-params';
import { FaultView } from '../page-parts/FaultView';
import { Section } from '../page-parts/Section';
import { askedOf, complaints, type Asked, type ChangeSpec, type Complaint, type Field } from '../change/change-spec';
import { Fields } from './Fields';
import { useFollowedChanges, useChange, type OpenChange } from '../change/open-changes';
import type { ChangeInput } from '../change/change-input';
import { blockedBy, PlanSkeleton, PlanView } from '../plan/PlanView';
import { lostSecrets, shownInput, useSecretsVersion, withoutSecrets } from '../change/secret-fields';
import { useResting } from './use-resting';

const PLAN_EVERY_MS = 10_000;
const TYPING_MS = 300;

interface Props {
  spec: ChangeSpec;
  change: OpenChange;
  onTitle: (title: string) => void;
  onClose: () => void;
}

export function ChangeForm({ spec, change, onTitle, onClose }: Props) {
  const [given] = useState(() => withoutSecrets(spec.id, change.input));
  // As the address had it when the form came: what is typed now is masked in it in the same way.
  const [lost] = useState(() => lostSecrets(spec.id, change.input));
  const form = useForm<ChangeInput>({ defaultValues: { ...spec.initial, ...given } });
  const watched = useWatch({ control: form.control }) as ChangeInput;
  const input = useMemo(() => ({ ...given, ...watched }), [given, watched]);
  const shown = useMemo(() => shownInput(spec.id, input), [spec.id, input]);
  const rested = useResting(input, TYPING_MS);
  const asked = useMemo(() => askedOf(spec.id, rested), [spec.id, rested]);
  const more = useMoreFields(spec, given);
  const wrong = useMemo(
    () => [...complaints(spec.id, asked), ...emptyOf(more.fields, rested)],
    [spec.id, asked, more.fields, rested]
  );
  const fields = [...spec.fields, ...more.fields];
  const plan = usePlan(spec.id, rested, asked, wrong.length === 0 && more.isKnown);
  const settled = rested === input && wrong.length === 0;
  useEffect(() => onTitle(spec.title(shown)), [spec, shown, onTitle]);
  useInputInAddress(shownInput(spec.id, rested));
  const styles = useStyles2(getStyles);

  return (
    <div className={styles}>
      {fields.length > 0 && (
        <Section title="What">
          <Fields fields={fields} form={form} input={shownInput(spec.id, rested)} complaints={wrong} />
          {lost.length > 0 && (
            <p role="note">A secret is never kept in the address or the browser: type it again ({lost.join(', ')}).</p>
          )}
        </Section>
      )}
      <Section title="Preflight">
        {wrong.length > 0 ? (
          <p>
            {fields.length > 0
              ? 'Shown as soon as the fields above are complete.'
              : wrong.map(({ path, message }) => `${path}: ${message}`).join('; ')}
          </p>
        ) : plan.data ? (
          <PlanView plan={plan.data} />
        ) : (
          !plan.isError && <PlanSkeleton />
        )}
        {plan.isError && wrong.length === 0 && <FaultView error={plan.error} onRetry={() => plan.refetch()} />}
      </Section>
      <Apply
        spec={spec}
        change={change}
        asked={asked}
        plan={settled && !plan.isError ? plan.data : undefined}
        onStale={() => plan.refetch()}
        onClose={onClose}
      />
    </div>
  );
}

/** Made anew while the drawer is open: measured values are those of now, and a plan never gets old in front of the reader. */
function usePlan(id: MutationId, input: ChangeInput, asked: Asked, enabled: boolean) {
  const version = useSecretsVersion(id, input);
  return useQuery({
    queryKey: ['preflight', id, askedOf(id, shownInput(id, input)), version],
    queryFn: ({ signal }) => control.preflight(id, { ...asked, signal } as never),
    enabled,
    refetchInterval: PLAN_EVERY_MS,
    staleTime: 0,
    gcTime: 0,
  });
}

/** Fields that the service knows of, such as the secrets of a job that is tried again. */
function useMoreFields({ id, more }: ChangeSpec, given: ChangeInput): { fields: readonly Field[]; isKnown: boolean } {
  const { data } = useQuery({
    queryKey: ['fields', id, given],
    queryFn: () => more?.(control, given) ?? [],
    enabled: more !== undefined,
    staleTime: Infinity,
  });
  return { fields: data ?? NO_FIELDS, isKnown: more === undefined || data !== undefined };
}
const NO_FIELDS: readonly Field[] = [];

const emptyOf = (fields: readonly Field[], input: ChangeInput): Complaint[] =>
  fields
    .filter(({ name }) => [undefined, null, ''].includes(get(input, name) as string))
    .map(({ name }) => ({ path: name, message: 'Needed' }));

/** A reload, and a link handed to a colleague, shows the same change with the same values. */
function useInputInAddress(input: ChangeInput): void {
  const [, setSearch] = useSearch();
  const text = JSON.stringify(input);
  useEffect(() => setSearch({ input: text }), [text, setSearch]);
}

interface ApplyProps {
  spec: ChangeSpec;
  change: OpenChange;
  asked: Asked;
  /** The plan that is in sight and fits the fields; nothing is applied without. */
  plan: Plan | undefined;
  onStale: () => void;
  onClose: () => void;
}

function Apply({ spec, change, asked, plan, onStale, onClose }: ApplyProps) {
  const reasonId = useId();
  const [reason, setReason] = useState('');
  const ability = useAbility(
    spec.id,
    typeof change.input['tenant_id'] === 'string' ? change.input['tenant_id'] : undefined
  );
  const { follow } = useFollowedChanges();
  const { submitted } = useChange();
  const submit = useMutation({
    mutationFn: () =>
      control.submit(spec.id, {
        params: asked.params,
        body: { ...asked.body, reason: reason.trim() },
        idempotencyKey: change.intent,
        planHash: plan?.hash,
      } as never),
    onSuccess: ({ job }) => {
      follow({ jobId: job.job_id, title: spec.title(shownInput(spec.id, { ...asked.params, ...asked.body })) });
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

const getStyles = (theme: GrafanaTheme2) =>
  css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(2),
  });

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
