// Orders crash points so that the process that resumes one job can be the one that dies in the next.
import type { Point } from './rig.ts';

/** Kind → kind of the jobs it starts. */
const CHILDREN: Readonly<Record<string, string>> = {
  'scale.evacuate': 'scale.migrate',
  'tenants.bulk_pause': 'tenants.pause',
  'tenants.bulk_resume': 'tenants.resume',
  'tenants.bulk_archive': 'tenants.archive',
};

/** Neighbours are of different kinds, and neither starts jobs of the other's: those would die in its place. */
export function inOrder(points: readonly Point[]): Point[] {
  const left = [...points];
  const ordered: Point[] = [];
  const remaining = (kind: string): number => left.filter((point) => point.kind === kind).length;
  while (left.length > 0) {
    const last = ordered.at(-1)?.kind ?? '';
    const fits = left.filter(({ kind }) => kind !== last && CHILDREN[last] !== kind && CHILDREN[kind] !== last);
    if (fits.length === 0)
      throw new Error(`no point may follow ${last}: ${left.map((point) => point.kind).join(', ')}`);
    const most = fits.reduce((best, point) => (remaining(point.kind) > remaining(best.kind) ? point : best));
    ordered.push(most);
    left.splice(left.indexOf(most), 1);
  }
  return ordered;
}
