/** Checks as people read them: exact values, and the verdict as a sentence. */
import type { Check } from '@cloudlysis/contract';

export interface CheckValues {
  readonly measured: unknown;
  readonly limit: unknown;
  readonly unit?: string;
  readonly detail: string;
}

export const checkOf = (id: string, title: string, status: Check['status'], values: CheckValues): Check => ({
  id,
  title,
  status,
  measured: values.measured,
  limit: values.limit,
  unit: values.unit ?? null,
  detail: values.detail,
});

/** A post-condition: holds or blocks. */
export const holds = (id: string, title: string, ok: boolean, values: CheckValues): Check =>
  checkOf(id, title, ok ? 'pass' : 'block', values);

/** Without a limit to hold it against. */
export const passed = (id: string, title: string, detail: string, measured: unknown = true): Check =>
  checkOf(id, title, 'pass', { measured, limit: null, detail });

export const blocked = (id: string, title: string, detail: string, measured: unknown = false): Check =>
  checkOf(id, title, 'block', { measured, limit: null, detail });
