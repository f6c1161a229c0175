/** How often a key may do something: a burst, then a steady rate; keys that were long silent are forgotten. */
import { LRUCache } from 'lru-cache';

interface Bucket {
  tokens: number;
  at: number;
}

export class TokenBuckets {
  private readonly buckets: LRUCache<string, Bucket>;
  private readonly monotonic: () => number;
  private readonly perSecond: number;
  private readonly burst: number;

  /** `monotonic` in milliseconds; at most `capacity` keys are remembered, the least recently seen is dropped first. */
  constructor(monotonic: () => number, perSecond: number, burst: number, capacity = 10_000) {
    this.monotonic = monotonic;
    this.perSecond = perSecond;
    this.burst = burst;
    this.buckets = new LRUCache({ max: capacity });
  }

  /** Takes one token: 0 when there was one, else the seconds until there will be. */
  take(key: string): number {
    const now = this.monotonic();
    let bucket = this.buckets.get(key);
    if (bucket) {
      bucket.tokens = Math.min(this.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.perSecond);
      bucket.at = now;
    } else {
      bucket = { tokens: this.burst, at: now };
      this.buckets.set(key, bucket);
    }
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.perSecond;
    bucket.tokens -= 1;
    return 0;
  }
}
