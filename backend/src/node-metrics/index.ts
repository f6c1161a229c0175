/** What the nodes measure of themselves, sampled: traffic per tenant, and figures per kind of service. */
export { createNodeMetrics, type NodeMetrics, type NodeMetricsDeps } from './sampler.ts';
export type { Flow, KindFigures, Rate, Traffic } from './rates.ts';
