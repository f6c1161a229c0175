/** The clocks as connections: this replica's against the store, the other replicas', the nodes'. */
import type { Probe } from '../feature/probe.ts';
import { clocksOff, isMeasured, toldSkew, toldSpan, type Clocks, type PeerClock } from './skew.ts';

const NAMED = 5;
const listed = (names: readonly string[]): string =>
  names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '');

export function clockProbes(clocks: Clocks): Probe[] {
  const [self] = clocks.peers();
  const others = (kind: PeerClock['kind']): PeerClock[] => clocks.peers().filter((one, index) => index > 0 && one.kind === kind); // prettier-ignore
  return [
    {
      id: 'clock.store',
      title: 'Clock of this replica',
      target: self?.name ?? '',
      run: async () => judged([{ ...self!, aheadMs: await clocks.measureOwn() }]),
    },
    { id: 'clock.replicas', title: 'Clocks of replicas', target: '', run: async () => judged(others('replica')) },
    { id: 'clock.nodes', title: 'Clocks of nodes', target: '', run: async () => judged(others('node')) },
  ];
}

/** @throws Error that names those that are off, the farthest first */
function judged(peers: readonly PeerClock[]): string | null {
  if (peers.length === 0) return null;
  const off = clocksOff(peers);
  if (off.length > 0) throw new Error(listed(off.map(({ name, aheadMs }) => `${name} is ${toldSkew(aheadMs)}`)));
  const known = peers.filter(isMeasured);
  const untold = peers.filter((peer) => !isMeasured(peer)).map(({ name }) => name);
  const farthest = Math.max(...known.map(({ aheadMs }) => Math.abs(aheadMs)));
  return [
    ...(known.length > 0 ? [`${known.length} at most ${toldSpan(farthest)} off the store`] : []),
    ...(untold.length > 0 ? [`not told by ${listed(untold)}`] : []),
  ].join('; ');
}
