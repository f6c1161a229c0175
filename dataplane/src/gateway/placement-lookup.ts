// Asks KV where a tenant is when the copy of the placements is contradicted: at once, shared by all who ask, and paced.
import { ambient, within } from '../platform/ambient.ts';
import type { Kind } from '../platform/names.ts';
import { placementKey } from '../platform/placement.ts';
import type { Node } from '../node/node.ts';

/** A tenant whose shard is away is asked for by every parked command; NATS need not be told so 256 times. */
const PACE_MS = 200;
const LIMIT_MS = 1000;
/** Names that nobody placed cost a question each while the copy is in doubt: no more at once than this. */
const AT_ONCE = 64;

export class PlacementLookup {
  private readonly node: Node;
  private readonly running = new Map<string, Promise<void>>();
  private readonly asked = new Map<string, number>();

  constructor(node: Node) {
    this.node = node;
  }

  /** True when the copy says something else than before. Never rejects: whoever asks has an answer without it. */
  async look(kind: Kind, tenant: string): Promise<boolean> {
    const key = placementKey(kind, tenant);
    const before = this.node.placements.get(key);
    await (this.running.get(key) ?? this.ask(key, kind, tenant));
    return this.node.placements.get(key) !== before;
  }

  private ask(key: string, kind: Kind, tenant: string): Promise<void> {
    const now = ambient.ticks();
    if (now - (this.asked.get(key) ?? -PACE_MS) < PACE_MS || this.running.size >= AT_ONCE) return Promise.resolve();
    const asking = within(LIMIT_MS, `looking up ${key}`, this.node.catchUp(tenant, kind))
      .catch(() => undefined)
      .finally(() => this.running.delete(key));
    this.running.set(key, asking);
    this.asked.delete(key);
    this.asked.set(key, now);
    // Oldest first, so what is dropped is past its pace.
    for (const [old, at] of this.asked) {
      if (now - at < PACE_MS) break;
      this.asked.delete(old);
    }
    return asking;
  }
}
