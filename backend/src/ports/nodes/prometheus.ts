/** Reads chosen metrics out of Prometheus' text format. */
import type { MetricSample } from './nodes-port.ts';

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const AFTER_NAME: ReadonlySet<string> = new Set(['{', ' ', '\t']);
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** One line as a sample of one of the families; null for every other line. Decides on the name before it parses. */
export function sampleOf(line: string, families: readonly string[]): MetricSample | null {
  if (!families.some((family) => line.startsWith(family) && AFTER_NAME.has(line[family.length]!))) return null;
  const sample = SAMPLE.exec(line);
  const value = sample && valueOf(sample[3]!);
  if (!sample || value === null) return null;
  return { name: sample[1]!, labels: labelsOf(sample[2] ?? ''), value };
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = Object.create(null);
  for (const [, label, value] of text.matchAll(LABEL)) labels[label!] = unescaped(value!);
  return labels;
}

const unescaped = (value: string): string =>
  value.includes('\\') ? value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char)) : value;

/** Null for NaN and infinities: a sum that contains them says nothing. */
function valueOf(text: string): number | null {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}
