// What journeys may do to the system behind the pages: send load, break nodes, take the backend away, fill the store.
import { fillTenants } from '../../../bench/tenants/big-store.ts';
import { NO_FAULTS } from '../../../backend/testing/platform-node.ts';
import type { Stack } from '../../../backend/testing/stack.ts';
import type { FaultSettings } from '../../../dataplane/src/node/faults.ts';
import type { LoadResult } from '../../../dataplane/src/load/run-load.ts';

/** Longer than any journey; each ends its load itself. */
const LOAD_SECONDS = 600;
const STARTS = 3;

export class World {
  readonly stack: Stack;
  /** What the service knows Grafana by; for the journey that takes it away. */
  readonly bearer: string;
  #load: { readonly result: Promise<LoadResult>; readonly stop: AbortController } | undefined;
  #seed = 1;
  #filled = false;
  #elsewhere = false;

  constructor(stack: Stack, bearer: string) {
    this.stack = stack;
    this.bearer = bearer;
  }

  startLoad({ rate, tenants }: { rate: number; tenants: string[] }): void {
    if (this.#load) throw new Error('a load runs already');
    const stop = new AbortController();
    const result = this.stack.load({ rate, tenants, seconds: LOAD_SECONDS, seed: this.#seed++ }, stop.signal);
    result.catch(() => undefined);
    this.#load = { result, stop };
  }

  /** Ends the load and counts: what was acknowledged is looked for in the log, once each. */
  async stopLoad(): Promise<LoadResult | null> {
    const load = this.#load;
    this.#load = undefined;
    load?.stop.abort();
    return load ? load.result : null;
  }

  async backend(action: 'kill' | 'stop' | 'start'): Promise<void> {
    const { backend } = this.stack;
    if (action === 'kill') await backend.kill();
    else if (action === 'stop') await (backend.running ? backend.stop() : undefined);
    else if (!backend.running) await this.#started();
  }

  /** A store that was just filled, or a machine that is busy, may keep a start waiting longer than the backend waits. */
  async #started(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const { backend } = this.stack;
    for (let tries = 1; tries < STARTS; tries++) {
      if (await backend.start(env).then(Boolean, () => false)) return;
    }
    await backend.start(env);
  }

  async fault(shard: string, faults: Partial<FaultSettings>): Promise<void> {
    await this.stack.node(shard).fault(faults);
  }

  /** The node's own word on whether it serves the tenant. */
  async stateOn(shard: string, tenantId: string): Promise<string | null> {
    return (await this.stack.node(shard).tenant(tenantId))?.state ?? null;
  }

  /** The backend on another store, with as many tenants as years of use would leave; nothing of its own store is touched. */
  async many(count: number): Promise<void> {
    const store = this.stack.db.client.db('many');
    const elsewhere = { MONGODB_DB: store.databaseName, PLATFORM_FILE: '' };
    this.#elsewhere = true;
    await this.backend('stop');
    await this.#started(elsewhere);
    if (this.#filled) return;
    // Its first start made the indexes, which takes longer than it waits once there is something to index.
    await this.backend('stop');
    await fillTenants(store, count);
    this.#filled = true;
    await this.#started(elsewhere);
  }

  /** As it was before the journey: no load, no faults, its own store, the backend there. */
  async calm(): Promise<void> {
    await this.stopLoad();
    await Promise.all([...this.stack.nodes.values()].map((node) => node.fault(NO_FAULTS)));
    if (this.#elsewhere) await this.backend('stop');
    this.#elsewhere = false;
    await this.backend('start');
  }
}
