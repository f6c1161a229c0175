/** Copies in memory as what may need a person: answers go on from them, and whoever decides on those must know since when. */
import { UNSAID, type Found, type Look } from '../feature/attention.ts';

export interface CopyState {
  /** What it is a copy of. */
  readonly name: string;
  readonly size: number;
  /** Changes that only a comparison found. */
  readonly missed: number;
  /** When it was last compared with a full read. */
  readonly checkedAt: Date | null;
  /** Null while it is known to be true. */
  readonly behindSince: Date | null;
  readonly reason: string | null;
}

/** A break that is mended within this time is nobody's concern. */
const BEHIND_MS = 2_000;

type Behind = CopyState & { readonly behindSince: Date };

export const copiesBehind = (copies: readonly CopyState[], now: Date): Behind[] =>
  copies.filter(
    (copy): copy is Behind => copy.behindSince !== null && now.getTime() - copy.behindSince.getTime() > BEHIND_MS,
  );

export const copiesLook =
  (copies: { states(): readonly CopyState[] }): Look =>
  async ({ now, wholePlatform }) => {
    const behind = copiesBehind(copies.states(), now);
    const [first] = wholePlatform ? behind : behind.map(inOutline);
    const degraded = first
      ? `the copy of ${first.name} may be behind since ${first.behindSince.toISOString()}: ${first.reason}`
      : null;
    return { platform: behind.map(item), own: { figures: [], degraded, unknown: null } };
  };

const inOutline = (copy: Behind): Behind => ({ ...copy, name: 'what is stored', reason: copy.reason && UNSAID });

const item = ({ name, behindSince, reason }: Behind): Found => ({
  id: `copy.behind:${name}`,
  severity: name === 'revocations' ? 'critical' : 'warning',
  title: `The copy of ${name} may be behind`,
  detail: `${reason}; ${name === 'revocations' ? 'tokens revoked since then may still be accepted' : 'what is shown of them is what was last read'}`,
  since: behindSince.toISOString(),
  resource: 'service:control-plane',
  action: null,
});
