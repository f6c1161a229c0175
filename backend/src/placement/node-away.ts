/** Whether a node is away rather than unwilling: it may be back in a moment, and it has refused nothing. */
import { Problem } from '@cloudlysis/contract';

const AWAY: readonly string[] = ['node.unreachable', 'node.timeout', 'node.stranger'];

/** The node did not answer, or what answers in its place is another one. */
export const isAway = (error: unknown): boolean => error instanceof Problem && AWAY.includes(error.code);
