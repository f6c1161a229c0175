/** Clocks of replicas and nodes, held against the store's. */
export { createClocks, type Clocks } from './clocks.ts';
export { clocksOff, isMeasured, toldSkew, toldSpan, type Measured, type PeerClock } from './skew.ts';
