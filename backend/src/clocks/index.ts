/** Clocks of replicas and nodes, held against the store's. */
export { createClocks } from './clocks.ts';
