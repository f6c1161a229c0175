// What nodes say to each other over NATS request/reply, and the one way to read it.
import type { Msg } from '@nats-io/transport-node';
import { COMMAND_ID } from './names.ts';

export interface CommandRequest {
  command_id: string;
  type: string;
  data: Record<string, unknown>;
  /** The placement the sender acted on; a node that is behind it looks again before it refuses. */
  placement_revision: number;
}
export interface QueryRequest {
  view: string;
  placement_revision: number;
}
export type Refusal =
  | 'tenant.moved' // not placed on this shard: ask the placement and try there
  | 'tenant.draining'
  | 'tenant.paused'
  | 'tenant.busy'
  | 'tenant.unavailable' // storage did not answer: the same command id may be sent again
  | 'command.declined'
  | 'command.failed'
  | 'request.invalid'
  | 'view.unknown';
export type Reply<T> = { ok: true; result: T } | { ok: false; code: Refusal; detail: string; reason?: string };

export interface CommandResult {
  version: number;
  duplicate?: true;
}

export const refuse = (code: Refusal, detail: string): { ok: false; code: Refusal; detail: string } => ({
  ok: false,
  code,
  detail,
});

/** The fields a command must have, whoever sent it; `undefined` when they are wrong. */
export function parseCommand(value: unknown): Omit<CommandRequest, 'placement_revision'> | undefined {
  const { command_id, type, data } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (typeof command_id !== 'string' || !COMMAND_ID.test(command_id) || typeof type !== 'string') return undefined;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
  return { command_id, type, data: data as Record<string, unknown> };
}

export function readJson(msg: Msg): Record<string, unknown> {
  try {
    return msg.json<Record<string, unknown> | null>() ?? {};
  } catch {
    return {};
  }
}

export const lastToken = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);
