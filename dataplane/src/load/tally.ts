// What became of every command that was sent: latencies, acknowledged ids, and how long each tenant's writes stood still.
export interface TenantTally {
  sent: number;
  acknowledged: number;
  declined: number;
  failed: number;
  write_pause_ms: number;
}

interface Watch {
  outstanding: number;
  /** Since when commands have been waiting without one being acknowledged. */
  quietSince: number;
}

export class Tally {
  readonly acknowledgedIds = new Map<string, Map<string, number>>();
  readonly perTenant = new Map<string, TenantTally>();
  readonly failures = new Map<string, number>();
  private readonly latencies: number[] = [];
  private readonly watches = new Map<string, Watch>();

  constructor(tenants: string[]) {
    for (const tenant of tenants) {
      this.acknowledgedIds.set(tenant, new Map());
      this.perTenant.set(tenant, { sent: 0, acknowledged: 0, declined: 0, failed: 0, write_pause_ms: 0 });
      this.watches.set(tenant, { outstanding: 0, quietSince: 0 });
    }
  }

  sent(tenant: string, now: number): void {
    this.perTenant.get(tenant)!.sent++;
    const watch = this.watches.get(tenant)!;
    if (watch.outstanding++ === 0) watch.quietSince = now;
  }

  acknowledged(tenant: string, commandId: string, version: number, sentAt: number, now: number): void {
    this.perTenant.get(tenant)!.acknowledged++;
    this.acknowledgedIds.get(tenant)!.set(commandId, version);
    this.latencies.push(now - sentAt);
    this.settled(tenant, now);
  }

  declined(tenant: string, sentAt: number, now: number): void {
    this.perTenant.get(tenant)!.declined++;
    this.latencies.push(now - sentAt);
    this.settled(tenant, now);
  }

  failed(tenant: string, why: string, now: number): void {
    this.perTenant.get(tenant)!.failed++;
    this.failures.set(why, (this.failures.get(why) ?? 0) + 1);
    this.settled(tenant, now, false);
  }

  latency(): { p50: number; p99: number; max: number } {
    const sorted = this.latencies.sort((a, b) => a - b);
    const at = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  /** A pause counts only while a command waits: a tenant nobody writes to is idle, not paused. */
  private settled(tenant: string, now: number, answered = true): void {
    const watch = this.watches.get(tenant)!;
    const tally = this.perTenant.get(tenant)!;
    tally.write_pause_ms = round(Math.max(tally.write_pause_ms, now - watch.quietSince));
    if (answered) watch.quietSince = now;
    watch.outstanding--;
  }
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
