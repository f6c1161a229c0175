/** A value of any shape as JSON; a number that JavaScript would keep otherwise than it was typed is refused. */
import React from 'react';
import { numberFault } from '@cloudlysis/contract';
import { WrittenField, type Syntax } from './WrittenField';

/** Browsers since 2023 tell how a number was written; without that it is held against what was read. */
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  const fault = typeof value === 'number' ? numberFault(context?.source ?? String(value)) : null;
  if (fault !== null || value === Infinity || value === -Infinity) {
    throw new Error(fault ?? 'A number is beyond what can be kept');
  }
  return value;
}

export const JSON_SYNTAX: Syntax = {
  read: (text) => {
    try {
      return JSON.parse(text, exactly) as unknown;
    } catch (error) {
      throw error instanceof SyntaxError ? new Error(`This is no JSON: ${error.message}`) : error;
    }
  },
  write: (value) => JSON.stringify(value, null, 2),
};

export const JsonField = (props: Omit<Parameters<typeof WrittenField>[0], 'syntax'>) => (
  <WrittenField {...props} syntax={JSON_SYNTAX} />
);
