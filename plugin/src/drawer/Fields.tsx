/** The fields of a change, bound to the form; what the contract has against a value is said at the value. */
import React, { useId } from 'react';
import { useQuery } from '@tanstack/react-query';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Combobox, Field as Labelled, Input, MultiCombobox, useStyles2 } from '@grafana/ui';
import { Controller, type UseFormReturn } from 'react-hook-form';
import { control as service } from '../api/control';
import type { Field } from '../change/form-spec';
import type { Complaint } from './asked';
import type { ChangeInput } from '../change/change-input';

interface Props {
  fields: readonly Field[];
  form: UseFormReturn<ChangeInput>;
  /** The whole input, with what the opener fixed. */
  input: ChangeInput;
  complaints: readonly Complaint[];
}

export function Fields({ fields, form, input, complaints }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.grid}>
      {fields.map((field) => (
        <div key={field.name} className={styles[field.kind]}>
          <FieldRow field={field} form={form} input={input} complaints={complaints} />
        </div>
      ))}
    </div>
  );
}

function FieldRow({ field, form, input, complaints }: Omit<Props, 'fields'> & { field: Field }) {
  const id = useId();
  const { isDirty } = form.getFieldState(field.name, form.formState);
  const complaint = complaints.find(({ path }) => path === field.name);
  // An empty field is not wrong yet: it is only not filled in.
  const shown = isDirty && complaint !== undefined ? complaint.message : undefined;
  return (
    <Labelled
      label={field.label}
      description={field.description}
      htmlFor={id}
      invalid={shown !== undefined}
      error={shown}
    >
      <Controller
        name={field.name}
        control={form.control}
        render={({ field: bound }) => (
          <ControlOf id={id} field={field} input={input} value={bound.value} onChange={bound.onChange} />
        )}
      />
    </Labelled>
  );
}

interface ControlProps {
  id: string;
  field: Field;
  input: ChangeInput;
  value: unknown;
  onChange: (value: unknown) => void;
}

function ControlOf({ id, field, input, value, onChange }: ControlProps) {
  if (field.kind === 'text') {
    return (
      <Input
        id={id}
        placeholder={field.placeholder}
        value={String(value ?? '')}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  if (field.kind === 'secret') {
    // Nothing of it is offered, remembered or completed by the browser.
    return (
      <Input
        id={id}
        type="password"
        autoComplete="new-password"
        spellCheck={false}
        value={String(value ?? '')}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  if (field.kind === 'number') {
    return (
      <Input
        id={id}
        type="number"
        placeholder={field.placeholder}
        suffix={field.unit}
        value={typeof value === 'number' && !Number.isNaN(value) ? value : ''}
        onChange={(event) => onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.valueAsNumber)}
      />
    );
  }
  return <Choice id={id} field={field} input={input} value={value} onChange={onChange} />;
}

function Choice({
  id,
  field,
  input,
  value,
  onChange,
}: ControlProps & { field: Extract<Field, { kind: 'choice' | 'choices' }> }) {
  const load = field.options;
  const loaded = useQuery({
    queryKey: ['options', field.name, input],
    queryFn: () => (typeof load === 'function' ? load(service, input) : [...load]),
    placeholderData: (before) => before,
  });
  const options = (loaded.data ?? []).map(({ value: of, label, description }) => ({
    value: of,
    label,
    ...(description ? { description } : {}),
  }));
  return field.kind === 'choices' ? (
    <MultiCombobox
      id={id}
      options={options}
      value={Array.isArray(value) ? (value as string[]) : []}
      onChange={(chosen) => onChange(chosen.map((option) => option.value))}
    />
  ) : (
    <Combobox
      id={id}
      options={options}
      loading={loaded.isFetching}
      placeholder="Choose"
      value={typeof value === 'string' ? value : null}
      onChange={(option) => onChange(option.value)}
    />
  );
}

/** Choices side by side, numbers three in a row: the preflight below stays in sight on a small screen. */
const getStyles = (theme: GrafanaTheme2) => ({
  grid: css({ display: 'grid', gridTemplateColumns: 'repeat(6, 1fr)', columnGap: theme.spacing(2), alignItems: 'end' }),
  text: css({ gridColumn: 'span 6' }),
  secret: css({ gridColumn: 'span 6' }),
  choices: css({ gridColumn: 'span 6' }),
  choice: css({ gridColumn: 'span 3' }),
  number: css({ gridColumn: 'span 2' }),
});
