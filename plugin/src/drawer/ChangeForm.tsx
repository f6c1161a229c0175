/** Before the job: the fields, the plan made from them as they change, the reason, and Apply for exactly the plan that is shown. */
import React, { useEffect, useMemo, useState } from 'react';
import type { MutationId } from '@cloudlysis/contract';
import { useQuery } from '@tanstack/react-query';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { get, useForm, useWatch } from 'react-hook-form';
import { control } from '../api/control';
import { useSearch } from '../address/search-params';
import { FaultView } from '../page-parts/FaultView';
import { Section } from '../page-parts/Section';
import type { ChangeInput } from '../change/change-input';
import type { ChangeWords } from '../change/change-words';
import type { Field, FormSpec } from '../change/form-spec';
import type { OpenChange } from '../change/open-changes';
import { PlanSkeleton, PlanView } from '../plan/PlanView';
import { lostSecrets, shownInput, useSecretsVersion, withoutSecrets } from '../change/secret-fields';
import { Apply } from './Apply';
import { requestOf, complaints, type FormRequest } from './form-request';
import type { Complaint } from './fields/complaint';
import { Fields } from './fields/Fields';
import { malformed, unread } from './fields/malformed';
import { useDebounced } from './use-debounced';

const PLAN_EVERY_MS = 10_000;
const TYPING_MS = 300;

interface Props {
  id: MutationId;
  words: ChangeWords;
  spec: FormSpec;
  change: OpenChange;
  onTitle: (title: string) => void;
  onClose: () => void;
}

export function ChangeForm({ id, words, spec, change, onTitle, onClose }: Props) {
  const [given] = useState(() => unread(spec.fields, withoutSecrets(id, change.input)));
  // As the address had it when the form came: what is typed now is masked in it in the same way.
  const [lost] = useState(() => lostSecrets(id, change.input));
  const form = useForm<ChangeInput>({ defaultValues: { ...spec.initial, ...given } });
  const watched = useWatch({ control: form.control }) as ChangeInput;
  const input = useMemo(() => ({ ...given, ...watched }), [given, watched]);
  const shown = useMemo(() => shownInput(id, input), [id, input]);
  const rested = useDebounced(input, TYPING_MS);
  const asked = useMemo(() => requestOf(id, rested), [id, rested]);
  const more = useMoreFields(id, spec, given);
  const fields = useMemo(() => [...more.fields, ...spec.fields], [spec.fields, more.fields]);
  const wrong = useMemo(
    () => [...malformed(fields, rested), ...complaints(spec.of, asked), ...emptyOf(more.fields, rested)],
    [spec.of, fields, asked, more.fields, rested]
  );
  const plan = usePlan(id, rested, asked, wrong.length === 0 && more.isKnown);
  const settled = rested === input && wrong.length === 0;
  useEffect(() => onTitle(words.title(shown)), [words, shown, onTitle]);
  useInputInAddress(shownInput(id, rested));
  const styles = useStyles2(getStyles);

  return (
    <div className={styles}>
      {fields.length > 0 && (
        <Section title="What">
          <Fields fields={fields} form={form} input={shownInput(id, rested)} complaints={wrong} />
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
        id={id}
        words={words}
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
function usePlan(id: MutationId, input: ChangeInput, asked: FormRequest, enabled: boolean) {
  const version = useSecretsVersion(id, input);
  return useQuery({
    queryKey: ['preflight', id, requestOf(id, shownInput(id, input)), version],
    queryFn: ({ signal }) => control.preflight(id, { ...asked, signal } as never),
    enabled,
    refetchInterval: PLAN_EVERY_MS,
    staleTime: 0,
    gcTime: 0,
  });
}

/** Fields that the service knows of, such as the secrets of a job that is tried again. */
function useMoreFields(
  id: MutationId,
  { more }: FormSpec,
  given: ChangeInput
): { fields: readonly Field[]; isKnown: boolean } {
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

const getStyles = (theme: GrafanaTheme2) =>
  css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(2),
  });
