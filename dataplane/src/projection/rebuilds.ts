// The rebuilds a projection node was asked for, and how far each has come. Kept in memory: a restart forgets them.
import { ambient } from '../platform/ambient.ts';
import { Problem } from '../platform/problem.ts';

export interface Rebuild {
  rebuild_id: string;
  tenant_id: string;
  state: 'queued' | 'running' | 'succeeded' | 'failed';
  processed: number;
  target: number;
  error?: string;
}
const KEPT = 200;

export class Rebuilds {
  private readonly byId = new Map<string, Rebuild>();

  /** Asking again while one is under way answers with that one. */
  request(tenant: string): { rebuild: Rebuild; isNew: boolean } {
    for (const rebuild of this.byId.values()) {
      const active = rebuild.state === 'queued' || rebuild.state === 'running';
      if (active && rebuild.tenant_id === tenant) return { rebuild, isNew: false };
    }
    const rebuild: Rebuild = {
      rebuild_id: ambient.id(),
      tenant_id: tenant,
      state: 'queued',
      processed: 0,
      target: 0,
    };
    this.byId.set(rebuild.rebuild_id, rebuild);
    const oldest = [...this.byId.values()].find(({ state }) => state === 'succeeded' || state === 'failed');
    if (this.byId.size > KEPT && oldest) this.byId.delete(oldest.rebuild_id);
    return { rebuild, isNew: true };
  }

  get(id: string): Rebuild {
    const rebuild = this.byId.get(id);
    if (!rebuild) throw new Problem('rebuild.unknown', 'no such rebuild on this node');
    return rebuild;
  }

  async run(rebuild: Rebuild, work: (progress: (processed: number, target: number) => void) => Promise<void>) {
    rebuild.state = 'running';
    try {
      await work((processed, target) => Object.assign(rebuild, { processed, target }));
      rebuild.state = 'succeeded';
    } catch (err) {
      rebuild.state = 'failed';
      rebuild.error = (err as Error).message;
    }
  }
}
