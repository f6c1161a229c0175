// Orders crash points so that the process that resumes one job can be the one that dies in the next.
import type { Point } from './crash-rig.ts';

/** Neighbours are of different kinds; an evacuation is not followed by a migration, which its children are. */
export function inOrder(points: readonly Point[]): Point[] {
  const left = [...points];
  const ordered: Point[] = [];
  const remaining = (kind: string): number => left.filter((point) => point.kind === kind).length;
  while (left.length > 0) {
    const last = ordered.at(-1)?.kind;
    const fits = left.filter(
      ({ kind }) =>
        kind !== last &&
        !(last === 'scale.evacuate' && kind === 'scale.migrate') &&
        !(last === 'scale.migrate' && kind === 'scale.evacuate'),
    );
    if (fits.length === 0)
      throw new Error(`no point may follow ${last}: ${left.map((point) => point.kind).join(', ')}`);
    const most = fits.reduce((best, point) => (remaining(point.kind) > remaining(best.kind) ? point : best));
    ordered.push(most);
    left.splice(left.indexOf(most), 1);
  }
  return ordered;
}
