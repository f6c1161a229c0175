// TenantGate: what a node may take on per tenant. Draining = take nothing new, finish what is in flight (OPS-07, OPS-08).
export type TenantState = 'serving' | 'draining' | 'drained' | 'paused';
export interface GateReport {
  tenant_id: string;
  state: TenantState;
  in_flight: number;
}

export class TenantGate {
  readonly tenant: string;
  draining: boolean;
  paused = false;
  leaving = false;
  inFlight = 0;
  private readonly waiting = new Set<() => void>();

  constructor(tenant: string, draining: boolean) {
    this.tenant = tenant;
    this.draining = draining;
  }

  get open(): boolean {
    return !this.draining && !this.paused;
  }

  /** Counts `size` units of work as in flight until the returned function is called. */
  enter(size = 1): () => void {
    this.inFlight += size;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.inFlight -= size;
      this.wake();
    };
  }

  set(change: { draining?: boolean; paused?: boolean }): void {
    this.draining = change.draining ?? this.draining;
    this.paused = change.paused ?? this.paused;
    this.wake();
  }

  /** Resolves at the next change of the gate (or when woken); callers look again at what they wait for. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  report(extraInFlight = 0): GateReport {
    const in_flight = this.inFlight + extraInFlight;
    const drain = in_flight > 0 ? 'draining' : 'drained';
    return { tenant_id: this.tenant, state: this.draining ? drain : this.paused ? 'paused' : 'serving', in_flight };
  }
}

/** The gates of the tenants placed here. A tenant that left keeps its gate, shut, until its last work is finished. */
export class Gates {
  nodeDraining = false;
  private readonly gates = new Map<string, TenantGate>();

  get(tenant: string): TenantGate | undefined {
    return this.gates.get(tenant);
  }

  all(): TenantGate[] {
    return [...this.gates.values()].sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
  }

  /** A newcomer is served unless the whole node drains; a tenant that is already here keeps its gate as it stands. */
  arrive(tenant: string): TenantGate {
    let gate = this.gates.get(tenant);
    if (!gate) this.gates.set(tenant, (gate = new TenantGate(tenant, this.nodeDraining)));
    if (gate.leaving) {
      gate.leaving = false;
      gate.set({ draining: this.nodeDraining });
    }
    return gate;
  }

  /** Resolves when the tenant's last work is finished; false when it came back meanwhile. */
  async leave(tenant: string): Promise<boolean> {
    const gate = this.gates.get(tenant);
    if (!gate) return false;
    gate.leaving = true;
    gate.set({ draining: true });
    while (gate.leaving && gate.inFlight > 0) await gate.changed();
    return gate.leaving && this.gates.delete(tenant);
  }

  drain(tenant?: string): void {
    if (tenant === undefined) this.nodeDraining = true;
    for (const gate of this.select(tenant)) gate.set({ draining: true });
  }

  resume(tenant?: string): void {
    if (tenant === undefined) this.nodeDraining = false;
    for (const gate of this.select(tenant)) gate.set({ draining: false });
  }

  private select(tenant?: string): TenantGate[] {
    return tenant === undefined ? this.all() : this.all().filter((gate) => gate.tenant === tenant);
  }
}
