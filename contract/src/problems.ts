/** A refusal as it travels (RFC 9457). */
import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from './problem.ts';
import { shown } from './text.ts';
import { Json } from './wire.ts';

export const ProblemCodes = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

export const ProblemDocument = z
  .object({
    type: shown().describe('URI reference of the problem, `/problems/<code>`'),
    title: shown().describe('What it is, the same for every occurrence'),
    status: z.number().int().describe('HTTP status'),
    code: z.enum(ProblemCodes).describe('Stable code; programs decide on this'),
    detail: shown().describe('What happened this time, with measured values'),
    instance: shown().optional().describe('Request id'),
  })
  .catchall(Json)
  .describe('RFC 9457 problem')
  .meta({ id: 'ProblemDocument' });
export type ProblemDocument = z.infer<typeof ProblemDocument>;
