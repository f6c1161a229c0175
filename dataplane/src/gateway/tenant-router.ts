// Finds the shard that serves a tenant and asks it; while the tenant moves the request waits instead of failing.
import { ambient } from '../platform/ambient.ts';
import type { Bus } from '../platform/bus.ts';
import { subjects } from '../platform/names.ts';
import { placementKey } from '../platform/placement.ts';
import { Problem, isProblemCode } from '../platform/problem.ts';
import { refuse, type Refusal, type Reply } from '../platform/wire.ts';
import type { Node } from '../node/node.ts';
import { Parking } from './parking.ts';
import { PlacementLookup } from './placement-lookup.ts';

/** A shard that died takes its unanswered requests with it; the same command id goes again after this long. */
const REQUEST_MS = 1500;
/** How long a parked request waits when nobody wakes it: the net under lost hints, and the pace against a dead shard. */
const PARK_STEP_MS = 100;
const WORTH_WAITING = new Set<Refusal>(['tenant.draining', 'tenant.moved', 'tenant.unavailable']);
/** Answers that say that our copy of the placements may be wrong, whatever its watch says. */
const WORTH_LOOKING = new Set<Refusal>(['tenant.moved', 'tenant.unavailable']);

export class TenantRouter {
  private readonly node: Node;
  private readonly bus: Bus;
  readonly parking: Parking;
  private readonly lookup: PlacementLookup;

  constructor(node: Node, bus: Bus, parking: Parking) {
    this.node = node;
    this.bus = bus;
    this.parking = parking;
    this.lookup = new PlacementLookup(node);
  }

  /** Whether there is such a tenant: a copy in doubt is not believed when it says no. */
  async knows(kind: 'aggregate' | 'projection', tenant: string): Promise<boolean> {
    const key = placementKey(kind, tenant);
    if (this.node.placements.get(key)) return true;
    if (this.node.placementInDoubt) await this.lookup.look(kind, tenant);
    return this.node.placements.get(key) !== undefined;
  }

  /** Safe to repeat: commands carry an id the aggregate remembers, queries change nothing. */
  async ask<T>(kind: 'aggregate' | 'projection', tenant: string, body: Record<string, unknown>): Promise<T> {
    const { parkMs } = this.node.config;
    const deadline = ambient.ticks() + parkMs;
    for (;;) {
      const reply = await this.once<T>(kind, tenant, body);
      if (reply.ok) return reply.result;
      const left = deadline - ambient.ticks();
      const wait = WORTH_WAITING.has(reply.code) && left > 0 && !this.parking.full(tenant);
      if (!wait) throw toProblem(reply);
      if (WORTH_LOOKING.has(reply.code) && (await this.lookup.look(kind, tenant))) continue;
      await this.parking.wait(tenant, Math.min(left, PARK_STEP_MS));
    }
  }

  private async once<T>(kind: 'aggregate' | 'projection', tenant: string, body: object): Promise<Reply<T>> {
    const key = placementKey(kind, tenant);
    const placement = (await this.knows(kind, tenant)) && this.node.placements.get(key);
    if (!placement) throw new Problem('tenant.unknown', `there is no tenant "${tenant}" here`);
    if (kind === 'aggregate' && this.node.gates.get(tenant)?.paused) {
      throw new Problem('tenant.paused', `${tenant} is paused`);
    }
    const subject = kind === 'aggregate' ? subjects.commands : subjects.queries;
    const payload = JSON.stringify({ ...body, placement_revision: placement.revision });
    // A body of 1 MiB is more than one message of NATS carries: no shard could answer it, however long it is parked.
    const most = this.bus.nc.info?.max_payload ?? Infinity;
    if (Buffer.byteLength(payload) > most) throw new Problem('body.too_large', `commands are at most ${most} bytes`);
    try {
      const msg = await this.bus.nc.request(subject(placement.shard, tenant), payload, { timeout: REQUEST_MS });
      return msg.json<Reply<T>>();
    } catch (err) {
      return refuse('tenant.unavailable', `${placement.shard} did not answer: ${(err as Error).message}`);
    }
  }
}

function toProblem(reply: { code: Refusal; detail: string; reason?: string }): Problem {
  const code = isProblemCode(reply.code) ? reply.code : 'tenant.unavailable';
  return new Problem(code, reply.reason ? `${reply.reason}: ${reply.detail}` : reply.detail);
}
