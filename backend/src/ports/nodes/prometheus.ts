/** Reads one metric out of Prometheus' text format. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const HEADER = /^#\s+(?:HELP|TYPE)\s+(\S+)/;

/** Sum of the samples named `name` whose labels include `wanted`; 0 when none matches, null when there is no such metric. */
export function sumOf(text: string, name: string, wanted: Readonly<Record<string, string>> = {}): number | null {
  let sum: number | null = null;
  for (const line of text.split('\n')) {
    if (!line.includes(name)) continue;
    if (HEADER.exec(line)?.[1] === name) sum ??= 0;
    const sample = SAMPLE.exec(line);
    if (sample?.[1] !== name) continue;
    sum ??= 0;
    const value = valueOf(sample[3]!);
    if (value !== null && matches(sample[2] ?? '', wanted)) sum += value;
  }
  return sum;
}

function matches(text: string, wanted: Readonly<Record<string, string>>): boolean {
  const labels = new Map<string, string>();
  for (const [, label, value] of text.matchAll(LABEL)) labels.set(label!, unescaped(value!));
  return Object.entries(wanted).every(([label, value]) => labels.get(label) === value);
}

const unescaped = (value: string): string => value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));

/** Null for NaN and infinities: a sum that contains them says nothing. */
function valueOf(text: string): number | null {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}
