/** The nodes port: what features may import of it. */
export * from './nodes-port.ts';
export { createNodes, type NodesOptions } from './nodes.ts';
export { problemWithoutAddresses, withoutAddresses, withoutAddressesIn } from './without-addresses.ts';
export { nodeProbes } from './node-probes.ts';
