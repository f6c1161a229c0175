/** Tokens that were checked once: a digest and a look-up instead of a signature, until they expire or are revoked. */
import { hash } from 'node:crypto';
import type { Ambient } from '../../kernel/ambient.ts';
import type { Principal } from '../../call/principal.ts';
import type { Revocations } from './revocations.ts';

export interface Verified {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** By the clock that never jumps: one that was set back would otherwise keep what it no longer takes. */
  readonly recheckAt: number;
  /** Token id and session id; either one revoked ends it. */
  readonly ids: readonly string[];
}

export class VerifiedTokens {
  /** Oldest use first; keyed by digest, so that a memory dump holds no usable token. */
  private readonly entries = new Map<string, Verified>();
  private readonly ambient: Ambient;
  private readonly revocations: Pick<Revocations, 'isRevoked'>;
  private readonly capacity: number;

  constructor(ambient: Ambient, revocations: Pick<Revocations, 'isRevoked'>, capacity = 10_000) {
    this.ambient = ambient;
    this.revocations = revocations;
    this.capacity = capacity;
  }

  get size(): number {
    return this.entries.size;
  }

  keyOf(token: string): string {
    return hash('sha256', token, 'base64url');
  }

  get(key: string): Verified | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    const isOver = entry.expiresAt <= this.ambient.now().getTime() || entry.recheckAt <= this.ambient.monotonic();
    if (isOver || this.revocations.isRevoked(entry.ids)) return undefined;
    this.entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: Verified): void {
    this.entries.set(key, entry);
    if (this.entries.size > this.capacity) dropOldest(this.entries);
  }
}

const dropOldest = (map: Map<string, unknown>): void => {
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
};
