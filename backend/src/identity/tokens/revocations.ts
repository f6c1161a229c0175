/** Tokens (by `jti`) and sessions (by `sid`) that were ended before their time. */
import type { Ambient } from '../../kernel/ambient.ts';

const DAY_MS = 86_400_000;
/**
 * The longest that any tier lets a token live (ENV-88), and an hour for clocks: an id that is missing from the bucket names
 * no living token after that.
 */
export const LONGEST_TOKEN_MS = 7 * DAY_MS + 3_600_000;

/** Until when an id counts as revoked; `null` while the platform's bucket has it. */
export type Until = Date | null;

export class Revocations {
  /** Milliseconds since the epoch. 94 bytes each, and 114 in the copy of the bucket. None is dropped for their number. */
  private readonly ended = new Map<string, number>();
  private readonly ambient: Pick<Ambient, 'now'>;
  private readonly machine: Pick<Ambient, 'now'>;

  /** `ambient`: the time that replicas share, in which ends are kept; `machine`: the clock by which tokens are judged here. */
  constructor(ambient: Pick<Ambient, 'now'>, machine: Pick<Ambient, 'now'> = ambient) {
    this.ambient = ambient;
    this.machine = machine;
  }

  get size(): number {
    return this.ended.size;
  }

  isRevoked(ids: readonly string[]): boolean {
    if (this.ended.size === 0) return false;
    const now = this.earliest();
    return ids.some((id) => (this.ended.get(id) ?? -Infinity) > now);
  }

  isInBucket(id: string): boolean {
    return this.ended.get(id) === Infinity;
  }

  /** Holds for as long as the bucket has it. */
  revoke(id: string): void {
    this.ended.set(id, Infinity);
  }

  /** Somebody took the revocation back, on purpose. */
  takeBack(id: string): void {
    this.ended.delete(id);
  }

  /** The bucket no longer has it and nobody said that it was taken back: it holds for as long as a token may live. */
  outlive(id: string, until: Until = null): Date {
    const end = until?.getTime() ?? this.ambient.now().getTime() + LONGEST_TOKEN_MS;
    this.ended.set(id, end);
    return new Date(end);
  }

  /** Those that the bucket does not have. */
  *outliving(): Generator<[id: string, until: Date]> {
    for (const [id, end] of this.ended) if (end !== Infinity) yield [id, new Date(end)];
  }

  /** Forgets those that name no living token. */
  forgetOver(): void {
    const now = this.earliest();
    for (const [id, end] of this.ended) if (end <= now) this.ended.delete(id);
  }

  /** A clock that is behind takes tokens for longer, so they are refused for longer. */
  private earliest(): number {
    return Math.min(this.ambient.now().getTime(), this.machine.now().getTime());
  }
}
