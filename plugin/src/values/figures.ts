/** Numbers as people read them: thin groups, units, and a dash for what was not measured. Pure. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `12 042`; the space does not break. */
export const count = (value: number | null): string =>
  value === null ? '–' : grouped.format(value).replaceAll(',', '\u202f');

/** `0.3`, `12.5`, `412`: three digits are enough to compare. */
export const rate = (value: number | null): string =>
  value === null ? '–' : value >= 100 ? count(Math.round(value)) : String(Math.round(value * 10) / 10);

/** From a share 0 to 1: `0 %`, `0.03 %`, `2.4 %`, `61 %`. */
export function percent(share: number | null): string {
  if (share === null) {
    return '–';
  }
  const value = share * 100;
  const digits = value === 0 || value >= 10 ? 0 : value >= 1 ? 1 : 2;
  return `${value.toFixed(digits)} %`;
}

/** From milliseconds: `210 ms`, `1.4 s`, `2 min 5 s`. */
export function duration(ms: number | null): string {
  if (ms === null) {
    return '–';
  }
  // The unit is chosen by what is read, which is rounded: never `60.0 s`.
  if (ms < 999.5) {
    return `${Math.round(ms)} ms`;
  }
  const seconds = Math.round(ms / 1_000);
  return ms < 59_950 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Any measured value with its unit, as checks, facts and figures carry them. */
export function measured(value: unknown, unit?: string | null): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (typeof value !== 'number') {
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  if (unit === 'ms') {
    return duration(value);
  }
  const text = Number.isInteger(value) ? count(value) : rate(value);
  return unit ? `${text} ${unit}` : text;
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A figure of the overview: shares as per cent, bytes in binary units, the rest with its unit. */
export function figure(value: number | null, unit: string): string {
  if (value === null) {
    return '–';
  }
  if (unit === 'ratio') {
    return percent(value);
  }
  if (unit === 'bytes') {
    const power = value < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log2(value) / 10));
    return `${rate(value / 1024 ** power)} ${BYTES[power]}`;
  }
  return measured(value, ['ms', 's', 'req/s', 'events'].includes(unit) ? unit : null);
}
