/** Text that cannot be read as the value that a field is for: it stays in the form as it was typed, and nothing is asked with it. */
import { get, set } from 'react-hook-form';
import type { ChangeInput } from '../../change/change-input';
import type { Field } from '../../change/form-spec';
import type { Complaint } from './complaint';

export class Malformed {
  readonly text: string;
  readonly why: string;

  constructor(text: string, why: string) {
    this.text = text;
    this.why = why;
  }

  /** In an address it is what was typed. */
  toJSON(): string {
    return this.text;
  }
}

/** Pure: a text where a value is written down waits until its field has read it: an address may bring what cannot be read. */
export function unread(fields: readonly Field[], input: ChangeInput): ChangeInput {
  // It came out of an address, and is JSON.
  const waiting = JSON.parse(JSON.stringify(input)) as ChangeInput;
  for (const { kind, name } of fields) {
    const value: unknown = get(waiting, name);
    if ((kind === 'json' || kind === 'yaml') && typeof value === 'string') {
      set(waiting, name, new Malformed(value, 'Is being read'));
    }
  }
  return waiting;
}

/** Pure: of all fields the ones that cannot be read. */
export const malformed = (fields: readonly Field[], input: ChangeInput): Complaint[] =>
  fields.flatMap(({ name }) => {
    const value: unknown = get(input, name);
    return value instanceof Malformed ? [{ path: name, message: value.why }] : [];
  });
