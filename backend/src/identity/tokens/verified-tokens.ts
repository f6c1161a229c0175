/** Tokens that were checked once: a digest and a look-up instead of a signature, until they expire or are revoked. */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
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
  /** Keyed by digest, so that a memory dump holds no usable token. */
  private readonly entries: LRUCache<string, Verified>;
  private readonly ambient: Ambient;
  private readonly revocations: Pick<Revocations, 'isRevoked'>;

  constructor(ambient: Ambient, revocations: Pick<Revocations, 'isRevoked'>, capacity = 10_000) {
    this.ambient = ambient;
    this.revocations = revocations;
    this.entries = new LRUCache({ max: capacity });
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
    const isOver = entry.expiresAt <= this.ambient.now().getTime() || entry.recheckAt <= this.ambient.monotonic();
    if (!isOver && !this.revocations.isRevoked(entry.ids)) return entry;
    this.entries.delete(key);
    return undefined;
  }

  set(key: string, entry: Verified): void {
    this.entries.set(key, entry);
  }
}
