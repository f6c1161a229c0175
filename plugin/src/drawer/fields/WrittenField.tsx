/** A value that is written down as text, in JSON or YAML: what cannot be read is said, and is never sent as something else. */
import React, { useEffect, useState } from 'react';
import { TextArea } from '@grafana/ui';
import { Malformed } from './malformed';

export interface Syntax {
  /** @throws Error with what is wrong, as a sentence */
  readonly read: (text: string) => unknown;
  readonly write: (value: unknown) => string;
}

interface Props {
  id: string;
  syntax: Syntax;
  value: unknown;
  onChange: (value: unknown) => void;
}

const LINES = 6;

export function WrittenField({ id, syntax, value, onChange }: Props) {
  const [began] = useState(() => beginning(syntax, value));
  const [text, setText] = useState(began.text);
  useEffect(() => {
    if (began.value !== value) {
      onChange(began.value);
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, for what the form began with
  }, []);
  return (
    <TextArea
      id={id}
      rows={LINES}
      spellCheck={false}
      style={{ fontFamily: 'monospace' }}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onChange(valueOf(syntax, event.currentTarget.value));
      }}
    />
  );
}

/** An address brings a text where the value is one, and where the text could not be read when it was typed. */
function beginning(syntax: Syntax, value: unknown): { text: string; value: unknown } {
  if (value === undefined) {
    return { text: '', value };
  }
  if (!(value instanceof Malformed)) {
    return { text: syntax.write(value), value };
  }
  const read = valueOf(syntax, value.text);
  return read instanceof Malformed
    ? { text: value.text, value: read }
    : { text: syntax.write(value.text), value: value.text };
}

/** Pure: nothing for no text. */
export function valueOf({ read }: Syntax, text: string): unknown {
  if (text.trim() === '') {
    return undefined;
  }
  try {
    return read(text);
  } catch (error) {
    return new Malformed(text, (error as Error).message);
  }
}
