// Which crash points one death may hold: several jobs stand at theirs when the process is killed, and all go on in the next.
import { CHILDREN, TOUCHES, type JobKind } from './cases.ts';

/** So many jobs in one process are more than an operator starts at once, and each has its second to be taken up in. */
const MOST = 5;

const areApart = (a: JobKind, b: JobKind): boolean =>
  a !== b && CHILDREN[a] !== b && CHILDREN[b] !== a && !TOUCHES[a].some((thing) => TOUCHES[b].includes(thing));

/** Every point in one group; those of a group are of kinds that have nothing to do with each other. */
export function inGroups<P extends { readonly kind: JobKind }>(points: readonly P[]): P[][] {
  const groups: P[][] = [];
  for (const point of points) {
    const fits = (group: P[]): boolean => group.length < MOST && group.every(({ kind }) => areApart(kind, point.kind));
    const group = groups.find(fits);
    if (group) group.push(point);
    else groups.push([point]);
  }
  return groups;
}
