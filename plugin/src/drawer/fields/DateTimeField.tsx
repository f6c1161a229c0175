/** An instant, typed in UTC: operators of one incident sit in several time zones. */
import React, { useState } from 'react';
import { Input } from '@grafana/ui';
import { Malformed } from './malformed';

interface Props {
  id: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

export function DateTimeField({ id, value, onChange }: Props) {
  const [text, setText] = useState(() => typedOf(value));
  return (
    <Input
      id={id}
      type="datetime-local"
      step={1}
      suffix="UTC"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onChange(instantOf(event.currentTarget.value));
      }}
    />
  );
}

/** Pure: `2026-11-26T21:30` is `2026-11-26T21:30:00.000Z`; nothing for no text. */
export function instantOf(text: string): unknown {
  if (text === '') {
    return undefined;
  }
  const at = Date.parse(`${text}Z`);
  return Number.isNaN(at) ? new Malformed(text, 'This is no date and time') : new Date(at).toISOString();
}

/** Pure: as the browser's own field wants it; milliseconds are left out. */
export function typedOf(value: unknown): string {
  const at = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? '' : new Date(at).toISOString().slice(0, 19);
}
