/** Checks and numbers as people read them: exact values, and the verdict as a sentence. */
import type { Check, Shard } from '@cloudlysis/contract';

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

/** Above this share of its capacity a shard is still used, with a warning. */
const CROWDED = 0.8;

/** `tenants` is what the shard would hold afterwards. */
export function capacityCheck(id: string, { shard_id, capacity }: Shard, tenants: number): Check {
  const load = tenants / capacity.tenants;
  const status = load > 1 ? 'block' : load > CROWDED ? 'warn' : 'pass';
  const share = percent(load);
  const sign = status === 'pass' ? '≤ 80 %' : status === 'warn' ? '> 80 %' : '> 100 %';
  const detail = `${shard_id} would hold ${grouped(tenants)} of ${grouped(capacity.tenants)} tenants (${share} ${sign})`;
  const values = { measured: tenants, limit: capacity.tenants, unit: 'tenants', detail };
  return checkOf(id, 'The target has room', status, values);
}
