/** Names with values: a row for each, added and taken away by buttons. */
import React, { useRef, useState } from 'react';
import { Button, Checkbox, IconButton, Input, Stack } from '@grafana/ui';
import { Malformed } from './malformed';

type Values = 'text' | 'number' | 'boolean';
interface Row {
  readonly key: string;
  readonly name: string;
  readonly value: unknown;
}

interface Props {
  id: string;
  label: string;
  values: Values;
  value: unknown;
  onChange: (value: unknown) => void;
}

const rowOf = (name: string, value: unknown): Row => ({ key: crypto.randomUUID(), name, value });

const EMPTY: Record<Values, unknown> = { text: '', number: undefined, boolean: false };

export function MapField({ id, label, values, value, onChange }: Props) {
  const add = useRef<HTMLButtonElement>(null);
  const [rows, setRows] = useState<readonly Row[]>(() => entriesOf(value).map(([name, of]) => rowOf(name, of)));
  const change = (next: readonly Row[]) => {
    setRows(next);
    onChange(mapOf(next));
  };
  const set = (row: Row, part: Partial<Row>) => change(rows.map((one) => (one === row ? { ...row, ...part } : one)));
  return (
    <div id={id} role="group" aria-label={label}>
      <Stack direction="column" gap={0.5}>
        {rows.map((row, at) => (
          <Stack key={row.key} gap={1} alignItems="center">
            <Input
              aria-label={`Name ${at + 1}`}
              value={row.name}
              autoFocus={row.name === ''}
              onChange={(event) => set(row, { name: event.currentTarget.value })}
            />
            <ValueInput of={row} values={values} onChange={(next) => set(row, { value: next })} />
            <IconButton
              name="trash-alt"
              aria-label={`Remove ${row.name || `row ${at + 1}`}`}
              onClick={() => {
                change(rows.filter((one) => one !== row));
                // The row takes the focus with it, and Escape would not reach the drawer.
                add.current?.focus();
              }}
            />
          </Stack>
        ))}
        <div>
          <Button
            ref={add}
            type="button"
            size="sm"
            variant="secondary"
            icon="plus"
            onClick={() => change([...rows, rowOf('', EMPTY[values])])}
          >
            {`Add to ${label.toLowerCase()}`}
          </Button>
        </div>
      </Stack>
    </div>
  );
}

function ValueInput({ of, values, onChange }: { of: Row; values: Values; onChange: (value: unknown) => void }) {
  const label = `Value of ${of.name || 'the new name'}`;
  if (values === 'boolean') {
    return (
      <Checkbox
        aria-label={label}
        value={of.value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  return values === 'number' ? (
    <Input
      aria-label={label}
      type="number"
      value={typeof of.value === 'number' && !Number.isNaN(of.value) ? of.value : ''}
      onChange={(event) => onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.valueAsNumber)}
    />
  ) : (
    <Input
      aria-label={label}
      value={String(of.value ?? '')}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

const entriesOf = (value: unknown): Array<[string, unknown]> =>
  typeof value === 'object' && value !== null && !(value instanceof Malformed) ? Object.entries(value) : [];

/** Pure: a row that says nothing yet is no entry; what is half said, or said twice, is not sent. */
export function mapOf(rows: ReadonlyArray<Pick<Row, 'name' | 'value'>>): unknown {
  const said = rows.filter(({ name, value }) => name !== '' || !['', undefined, false].includes(value as never));
  const text = JSON.stringify(Object.fromEntries(said.map(({ name, value }) => [name, value])));
  if (said.some(({ name }) => name === '')) {
    return new Malformed(text, 'A name is missing');
  }
  const twice = said.find(({ name }, at) => said.findIndex((one) => one.name === name) !== at);
  if (twice) {
    return new Malformed(text, `“${twice.name}” is there twice`);
  }
  const empty = said.find(({ value }) => value === '' || value === undefined || Number.isNaN(value));
  return empty
    ? new Malformed(text, `“${empty.name}” has no value`)
    : Object.fromEntries(said.map(({ name, value }) => [name, value]));
}
