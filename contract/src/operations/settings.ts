/** `/settings`: how the control plane itself is set up and connected. */
import { z } from 'zod';
import { read } from '../operation.ts';
import { shown } from '../text.ts';
import { OfEnvironment, Timestamp } from '../wire.ts';

export const Connection = z
  .strictObject({
    id: shown().describe('Stable id, such as `mongodb`, `nats.kv.placement` or `node.a1`'),
    ...OfEnvironment,
    title: shown().describe('What is tested, for people'),
    target: shown().describe('Where it is, without credentials; empty where it is not configured'),
    state: z.enum(['ok', 'failed', 'not-asked', 'not-configured']).describe('Verdict'),
    latency_ms: z.number().nullable().describe('Milliseconds the test took; null where it did not succeed'),
    detail: shown().describe('The sentence why, with what was found'),
    checked_at: Timestamp.describe('When it was tested'),
  })
  .describe('One connection, tested just now')
  .meta({ id: 'Connection' });
export type Connection = z.infer<typeof Connection>;

export const settingsOperations = {
  'settings.connections': read('settings.connections', {
    path: '/settings/connections',
    summary: 'Test every connection of the control plane, now',
    permission: 'ops.view',
    scope: 'environment',
    answer: z.strictObject({
      items: z.array(Connection).max(10_000).describe('Every connection, always in the same order'),
    }),
  }),
};
