/** Pure: clocks that are off as what needs a person, with what it means for tokens and for times that are kept. */
import { clocksOff, isMeasured, toldSkew, toldSpan, type Measured, type Clocks, type PeerClock } from './skew.ts';
import { CLOCK_SKEW_S } from '../identity/index.ts';
import type { Found, Look } from '../feature/attention.ts';

/** Beyond it a token's `iat` or `exp` is no longer excused: who is farther off refuses, or issues, tokens that should hold. */
const TOKENS_MS = CLOCK_SKEW_S * 1_000;
/** Named one by one; a platform whose time service fails has hundreds, which must not crowd out all else. */
const NAMED = 5;
/** Clocks that agree within this are off together. */
const TOGETHER_MS = 2_000;
/** With fewer it cannot be told whose clock is wrong. */
const ENOUGH = 3;

export const clocksLook =
  (clocks: Pick<Clocks, 'peers'>): Look =>
  async () => ({ platform: clockItems(clocks.peers()) });

export function clockItems(clocks: readonly PeerClock[]): Found[] {
  const off = clocksOff(clocks);
  if (isStore(off, clocks.filter(isMeasured).length)) return [store(off)];
  const [named, rest] = [off.slice(0, NAMED), off.slice(NAMED)];
  return [...named.map(one), ...(rest.length > 0 ? [more(rest)] : [])];
}

const severityOf = ([farthest]: readonly Measured[]): Found['severity'] =>
  Math.abs(farthest!.aheadMs) > TOKENS_MS ? 'critical' : 'warning';

const one = (peer: Measured): Found => ({
  id: `clock:${peer.kind}/${peer.name}`,
  severity: severityOf([peer]),
  title: `The clock of ${peer.kind === 'replica' ? 'replica ' : ''}${peer.name} is ${toldSkew(peer.aheadMs)}`,
  detail: `${meaning(peer)}; set its clock by a time server`,
  since: null,
  resource: peer.resource,
  action: null,
});

const more = (rest: readonly Measured[]): Found => ({
  id: 'clocks',
  severity: severityOf(rest),
  title: `${rest.length} more ${rest.length === 1 ? 'clock is' : 'clocks are'} off`,
  detail: `the farthest, ${rest[0]!.name}, is ${toldSkew(rest[0]!.aheadMs)}; connections and cp_clock_skew_seconds name them`,
  since: null,
  resource: 'service:control-plane',
  action: null,
});

function meaning({ kind, name, aheadMs }: Measured): string {
  const span = toldSpan(aheadMs);
  const isAhead = aheadMs > 0;
  if (kind === 'replica') {
    const tokens = isAhead
      ? `it takes them as expired ${span} early`
      : `it accepts expired ones ${span} longer${-aheadMs > TOKENS_MS ? ', and refuses fresh ones as from the future' : ''}`;
    return `jobs and plans go by the store’s time, but tokens are judged by its own: ${tokens}`;
  }
  if (!name.startsWith('gateway/')) return `the times that it writes into events and reports are ${span} off`;
  if (!isAhead) return `the tokens that it issues end ${span} early for others, and it accepts expired ones that much longer`;
  return `the tokens that it issues are from the future for others${aheadMs > TOKENS_MS ? `, who refuse them for ${span}` : ''}, and it takes others’ as expired that much early`;
} // prettier-ignore

/** Most clocks agree with each other and not with the store: it is the one that is off, or all of theirs are. */
const isStore = (off: readonly Measured[], measured: number): boolean =>
  off.length >= ENOUGH &&
  off.length > measured / 2 &&
  Math.max(...off.map(({ aheadMs }) => aheadMs)) - Math.min(...off.map(({ aheadMs }) => aheadMs)) <= TOGETHER_MS;

function store(off: readonly Measured[]): Found {
  const { aheadMs } = off[0]!;
  return {
    id: 'clock:store',
    severity: severityOf(off),
    title: `The clock of the store is ${toldSpan(aheadMs)} ${aheadMs > 0 ? 'behind' : 'ahead of'} ${off.length} others`,
    detail: `they agree with each other (${off.slice(0, NAMED).map(({ name }) => name).join(', ')}${off.length > NAMED ? ' …' : ''}), so it is the one that is off unless all of theirs are; times of jobs, plans and audit records are the store’s`,
    since: null,
    resource: 'service:mongodb',
    action: null,
  };
} // prettier-ignore
