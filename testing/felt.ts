// What a plan says of one kind of thing, for a test to hold against: which, how many, and each figure under its name.
import type { Plan } from '@cloudlysis/contract';

export function felt({ blast_radius }: Pick<Plan, 'blast_radius'>, kind = 'tenant'): Record<string, unknown> | null {
  const touched = blast_radius.find((one) => one.kind === kind);
  if (!touched) return null;
  const figures = touched.figures.map(({ name, value }) => [name, value] as const);
  return { ids: touched.ids, count: touched.count, ...Object.fromEntries(figures) };
}
