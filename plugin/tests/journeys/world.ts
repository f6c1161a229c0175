/** The system behind the pages, as a journey may treat it; the other end is plugin/testing/journeys/control-server.ts. */

/** Knobs of a node of the reference platform; what is not named stays as it is. */
export interface Faults {
  slow_ms?: number;
  error_rate?: number;
  stuck?: boolean;
  refuse_drain?: boolean;
  lie_ready?: 'ready' | 'not-ready' | null;
  hang?: boolean;
  /** Commands it says are in flight beside the real ones. */
  in_flight?: number;
}

export interface LoadCount {
  readonly acknowledged: number;
  readonly failed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly gaps: number;
}

export class World {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  load(rate: number, tenants: readonly string[]): Promise<null> {
    return this.#ask('load/start', { rate, tenants });
  }

  /** Ends the load and counts it against the log. */
  counted(): Promise<LoadCount> {
    return this.#ask('load/stop');
  }

  backend(action: 'kill' | 'stop' | 'start'): Promise<null> {
    return this.#ask('backend', { action });
  }

  fault(shard: string, faults: Faults): Promise<null> {
    return this.#ask('fault', { shard, faults });
  }

  /** What the node itself says of a tenant: serving, draining, drained, paused; null where it has none. */
  stateOn(shard: string, tenant_id: string): Promise<string | null> {
    return this.#ask('state', { shard, tenant_id });
  }

  /** The backend on a store of as many tenants, until the journey's end. */
  many(count: number): Promise<null> {
    return this.#ask('many', { count });
  }

  /** What the service knows Grafana by. */
  bearer(): Promise<string> {
    return this.#ask('bearer');
  }

  calm(): Promise<null> {
    return this.#ask('calm');
  }

  async #ask<T>(verb: string, body: object = {}): Promise<T> {
    const response = await fetch(`${this.#url}/${verb}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${verb}: ${text}`);
    }
    return JSON.parse(text) as T;
  }
}
