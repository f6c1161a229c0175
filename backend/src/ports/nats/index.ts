/** The NATS port: what features may import of it. */
export type * from './port/nats-port.ts';
export { connectNats, type NatsOptions } from './connect-nats.ts';
export { consumerName, consumerNames, placementKey, tenantFlagsKey } from './port/names.ts';
export { NEAR_LIMIT, nearLimits, shareOf, toldLimit } from './streams/near-limits.ts';
export { limitItems, natsLook } from './attention.ts';
export { natsFeature } from './nats-feature.ts';
