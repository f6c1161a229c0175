/** Checks and numbers as people read them: exact values, and the verdict as a sentence. */
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

/** 12042 → "12 042". */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
