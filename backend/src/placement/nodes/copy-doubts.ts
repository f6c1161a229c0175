/** Pure: which of a node's copies of buckets it cannot vouch for, by its own report, and since when that has been seen. */
import type { NodeFollower, NodeState } from '../../ports/nodes/index.ts';
import type { CopyDoubt } from '../record/placement-book.ts';

/** A copy that is read anew is in doubt for a moment, and nobody's concern. */
const PASSING_MS = 2_500;

/** A node that does not answer says nothing of its copies; its silence is told instead. */
export function copyDoubts(state: NodeState | null, before: readonly CopyDoubt[], now: Date): CopyDoubt[] {
  return (state?.followers ?? []).flatMap((follower) => {
    if (follower.behind_since === null) return [];
    const known = before.find(({ bucket }) => bucket === follower.bucket);
    return [{ bucket: follower.bucket, says: sayingOf(follower), since: known?.since ?? now }];
  });
}

export const lasting = (doubts: readonly CopyDoubt[], now: Date): CopyDoubt[] =>
  doubts.filter(({ since }) => now.getTime() - since.getTime() > PASSING_MS);

/** `its copy of placement cannot be vouched for since …: the bucket is gone` */
export const sayingOf = ({ bucket, behind_since, detail }: NodeFollower): string =>
  `its copy of ${bucket} cannot be vouched for since ${behind_since}${detail ? `: ${detail}` : ''}`;
