/** One line above a table whose list left out what could not be read; only those who see the whole platform are told. */
import React from 'react';
import type { Unreadable } from '@cloudlysis/contract';
import { Alert } from '@grafana/ui';

/** Ids named in the line; the answer names 50 at most. */
const NAMED = 3;

/** Pure: `2 records cannot be read: x1 (order: it is no number), x2 (…)`. */
export function unreadableWords(rows: readonly Unreadable[]): string {
  const named = rows.slice(0, NAMED).map(({ id, reason }) => `${id} (${reason})`);
  const more = rows.length > NAMED ? ` and ${rows.length - NAMED} more` : '';
  return `${rows.length} ${rows.length === 1 ? 'record' : 'records'} cannot be read: ${named.join(', ')}${more}`;
}

export const UnreadableRows = ({ rows = [] }: { rows?: readonly Unreadable[] | undefined }) =>
  rows.length === 0 ? null : <Alert severity="warning" title={unreadableWords(rows)} />;
