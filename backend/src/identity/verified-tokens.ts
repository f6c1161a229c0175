/** Tokens that were checked once: a digest and a look-up instead of a signature, until they expire or are revoked. */
import { hash } from 'node:crypto';
import type { Ambient } from '../ambient.ts';
import type { Principal } from '../principal.ts';

export interface Verified {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Token id and session id; either one revoked ends it. */
  readonly ids: readonly string[];
}

/** A revocation outlives every token it can be about. */
const REVOCATION_MS = 24 * 3_600_000;
const MAX_REVOKED = 100_000;

export class VerifiedTokens {
  /** Oldest use first; keyed by digest, so that a memory dump holds no usable token. */
  private readonly entries = new Map<string, Verified>();
  private readonly revoked = new Map<string, number>();
  private readonly ambient: Ambient;
  private readonly capacity: number;

  constructor(ambient: Ambient, capacity = 10_000) {
    this.ambient = ambient;
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
    if (entry.expiresAt <= this.ambient.now().getTime() || this.isRevoked(entry.ids)) return undefined;
    this.entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: Verified): void {
    this.entries.set(key, entry);
    if (this.entries.size > this.capacity) dropOldest(this.entries);
  }

  isRevoked(ids: readonly string[]): boolean {
    return this.revoked.size > 0 && ids.some((id) => this.revoked.has(id));
  }

  /** Ends a token (by `jti`) or all tokens of a session (by `sid`), cached or not. */
  revoke(id: string, until?: Date): void {
    const now = this.ambient.now().getTime();
    this.revoked.delete(id);
    this.revoked.set(id, until?.getTime() ?? now + REVOCATION_MS);
    if (this.revoked.size <= MAX_REVOKED) return;
    for (const [old, end] of this.revoked) if (end <= now) this.revoked.delete(old);
    while (this.revoked.size > MAX_REVOKED) dropOldest(this.revoked);
  }

  /** Takes a revocation back, as when its key is removed from the platform's bucket. */
  unrevoke(id: string): void {
    this.revoked.delete(id);
  }
}

const dropOldest = (map: Map<string, unknown>): void => {
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
};
