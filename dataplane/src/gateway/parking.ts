// Where commands wait while their tenant moves: bounded in number and time, woken when the placement or a gate changes.
import { ambient } from '../platform/ambient.ts';

export class Parking {
  private readonly limit: number;
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(limit: number) {
    this.limit = limit;
  }

  full(tenant: string): boolean {
    return (this.waiting.get(tenant)?.size ?? 0) >= this.limit;
  }

  /** Resolves when the tenant is woken or after `ms`, whichever is first. */
  wait(tenant: string, ms: number): Promise<void> {
    const parked = this.waiting.get(tenant) ?? new Set();
    this.waiting.set(tenant, parked);
    return new Promise((resolve) => {
      const woken = new AbortController();
      const go = (): void => {
        woken.abort();
        parked.delete(go);
        if (parked.size === 0 && this.waiting.get(tenant) === parked) this.waiting.delete(tenant);
        resolve();
      };
      parked.add(go);
      void ambient.sleep(ms, woken.signal).then(go);
    });
  }

  wake(tenant: string): void {
    for (const go of [...(this.waiting.get(tenant) ?? [])]) go();
  }

  wakeAll(): void {
    for (const tenant of [...this.waiting.keys()]) this.wake(tenant);
  }
}
