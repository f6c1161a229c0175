// Time that passes faster, for tests that wait for who looks after nodes, or for deadlines of calls to nodes that never answer.
import type { Ambient } from '../src/kernel/ambient.ts';

/** A call to a node still has a second: on two busy cores one that is well answers by then. */
const HASTE = 2;

/** Of what asks nodes; stores, leases and jobs keep their own time. */
export const hasty = (machine: Ambient): Ambient => ({
  ...machine,
  monotonic: () => machine.monotonic() * HASTE,
  sleep: (ms, signal) => machine.sleep(ms / HASTE, signal),
  after: (ms, then) => machine.after(ms / HASTE, then),
});
