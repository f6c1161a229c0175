/** The fields of a change, bound to the form; what the contract has against a value is said at the value. */
import React, { lazy, Suspense, useId } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Field as Labelled, Input, Switch, TextArea, useStyles2 } from '@grafana/ui';
import { Controller, type UseFormReturn } from 'react-hook-form';
import type { Field } from '../../change/form-spec';
import { Choice } from './Choice';
import type { Complaint } from './complaint';
import { DateTimeField } from './DateTimeField';
import { JsonField } from './JsonField';
import { MapField } from './MapField';
import type { ChangeInput } from '../../change/change-input';

const YamlField = lazy(async () => ({ default: (await import('./YamlField')).YamlField }));

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
  const complaint = complaintAt(field.name, complaints);
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

/** Pure: of the value itself, or of what is in it. */
function complaintAt(name: string, complaints: readonly Complaint[]): Complaint | undefined {
  const inside = complaints.find(({ path }) => path.startsWith(`${name}.`));
  return (
    complaints.find(({ path }) => path === name) ??
    (inside && { path: name, message: `${inside.path.slice(name.length + 1)}: ${inside.message}` })
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
  if (field.kind === 'boolean') {
    return <Switch id={id} value={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
  }
  if (field.kind === 'date-time') {
    return <DateTimeField id={id} value={value} onChange={onChange} />;
  }
  if (field.kind === 'map') {
    return <MapField id={id} label={field.label} values={field.values} value={value} onChange={onChange} />;
  }
  if (field.kind === 'json') {
    return <JsonField id={id} value={value} onChange={onChange} />;
  }
  if (field.kind === 'yaml') {
    return (
      <Suspense fallback={<TextArea id={id} rows={6} disabled />}>
        <YamlField id={id} value={value} onChange={onChange} />
      </Suspense>
    );
  }
  return <Choice id={id} field={field} input={input} value={value} onChange={onChange} />;
}

/** Choices side by side, numbers three in a row: the preflight below stays in sight on a small screen. */
const getStyles = (theme: GrafanaTheme2) => ({
  grid: css({ display: 'grid', gridTemplateColumns: 'repeat(6, 1fr)', columnGap: theme.spacing(2), alignItems: 'end' }),
  text: css({ gridColumn: 'span 6' }),
  secret: css({ gridColumn: 'span 6' }),
  choices: css({ gridColumn: 'span 6' }),
  map: css({ gridColumn: 'span 6' }),
  json: css({ gridColumn: 'span 6' }),
  yaml: css({ gridColumn: 'span 6' }),
  choice: css({ gridColumn: 'span 3' }),
  'date-time': css({ gridColumn: 'span 3' }),
  boolean: css({ gridColumn: 'span 2' }),
  number: css({ gridColumn: 'span 2' }),
});
