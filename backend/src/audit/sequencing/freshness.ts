/** Whether the chain keeps up, judged by the count and the age of whatever waits. */
import { MOST_WAITING } from './inbox-age.ts';
import type { SetAsideSight } from './set-aside-sight.ts';

export interface AuditFreshness {
  /** Last place in the chain. */
  readonly seq: number;
  /** Since when the document that has waited longest for its place is known to wait; null when none waits. */
  readonly waitingSince: Date | null;
  /** Documents in the inbox, whatever they are; counted up to 10 001. */
  readonly waiting: number;
  /** Why the chain does not go on, where this replica knows. */
  readonly blocked: string | null;
  /** What was no record and was set aside; null when nothing ever was. */
  readonly setAside: SetAsideSight | null;
}

/** The chain places within a second; a record that waits this long waits for a person. */
const WAIT_MS = 30_000;
/** It places some 500 a second: so many are ten seconds of work, and no burst of changes makes as many. */
const WAITING = 5_000;

/** Why the log does not keep up, as a sentence; null while it does. */
export function auditLag({ waiting, waitingSince, blocked }: AuditFreshness, now: Date): string | null {
  const ms = waitingSince ? now.getTime() - waitingSince.getTime() : 0;
  const why = blocked === null ? '' : `: ${blocked}`;
  if (ms > WAIT_MS) return `audit records have waited ${Math.round(ms / 1_000)} s for their place${why}`;
  const many = waiting >= MOST_WAITING ? `more than ${MOST_WAITING - 1}` : String(waiting);
  if (waiting > WAITING) return `${many} audit records wait for their place${why}`;
  return blocked === null ? null : `the audit chain does not go on${why}`;
}
