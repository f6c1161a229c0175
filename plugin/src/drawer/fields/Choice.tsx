/** One or several of what there is to choose; what the service knows is asked for again when the other values change. */
import React from 'react';
import { useQuery } from '@tanstack/react-query';
import { Combobox, MultiCombobox } from '@grafana/ui';
import { control as service } from '../../api/control';
import type { ChangeInput } from '../../change/change-input';
import type { Field } from '../../change/form-spec';

interface Props {
  id: string;
  field: Extract<Field, { kind: 'choice' | 'choices' }>;
  /** The whole input, with what the opener fixed. */
  input: ChangeInput;
  value: unknown;
  onChange: (value: unknown) => void;
}

export function Choice({ id, field, input, value, onChange }: Props) {
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
    <>
      {/* Grafana's field for several takes no id: its label would name nothing. */}
      <span id={`${id}-name`} className="sr-only">
        {field.label}
      </span>
      <MultiCombobox
        aria-labelledby={`${id}-name`}
        options={options}
        value={Array.isArray(value) ? (value as string[]) : []}
        onChange={(chosen) => onChange(chosen.map((option) => option.value))}
      />
    </>
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
