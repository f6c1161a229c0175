// A platform node: the part that gateway, aggregate, projection and runner share, which is the contract itself.
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { ambient } from '../platform/ambient.ts';
import { connectBus, ensurePlatform, type Bus } from '../platform/bus.ts';
import type { FollowerState, Mirrored } from '../platform/kv-mirror.ts';
import { subjects, type Kind } from '../platform/names.ts';
import {
  createFileSource,
  flagsKey,
  createKvSource,
  parseFlags,
  parsePlacement,
  placementKey,
  tenantOf,
  type FlagsTable,
  type Placement,
  type PlacementTable,
  type Source,
} from '../platform/placement.ts';
import { Problem } from '../platform/problem.ts';
import { RevisionedTable } from '../platform/revisioned-table.ts';
import type { NodeConfig } from './config.ts';
import { Faults } from './faults.ts';
import { pingNats, probe, probeStorage, type Readiness } from './health.ts';
import { createHttpServer, type Route } from './http-server.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Gates, type TenantGate } from './tenant-gate.ts';

const STOP_MS = 7000;

/** What one kind of node adds to the contract. Every hook must tolerate being called again. */
export interface Service {
  routes?: Route[];
  start(bus: Bus): Promise<void>;
  /** The tenant is placed here; its gate may be open or shut. */
  arrive?(gate: TenantGate): void;
  /** The tenant is no longer placed here; its gate is shut for good and its last work is finished. */
  left?(tenant: string): void;
  draining?(gate: TenantGate): void;
  stop(): Promise<void>;
}

export class Node {
  readonly config: NodeConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly gates = new Gates();
  readonly faults = new Faults();
  readonly placements: PlacementTable;
  readonly flags: FlagsTable;
  service!: Service;
  private bus: Bus | undefined;
  private sources: { placement: Source; config: Source } | undefined;
  private readonly followers: Source[] = [];
  private readonly behind;
  private readonly healed;
  private readonly routesOf: (node: Node) => Route[];
  private server: Server | undefined;
  private probing: Promise<Readiness> | undefined;

  /** `routesOf`: what every kind of node answers, beside its service's own. */
  constructor(config: NodeConfig, log: Logger, routesOf: (node: Node) => Route[]) {
    this.config = config;
    this.routesOf = routesOf;
    this.log = log;
    this.metrics = createMetrics(config);
    const name = `${config.service}_follower`;
    this.behind = this.metrics.gauge(`${name}_behind_seconds`, 'Since when a copy cannot be vouched for', ['bucket']);
    this.healed = this.metrics.counter(`${name}_heals_total`, 'Copies found wanting and read again', [
      'bucket',
      'cause',
    ]);
    this.placements = new RevisionedTable(parsePlacement, (key, now) => this.placed(key, now));
    this.flags = new RevisionedTable(parseFlags, (key, now) => {
      const tenant = tenantOf(key, 'tenants');
      if (tenant) this.gates.get(tenant)?.set({ paused: now?.paused ?? false });
    });
  }

  /** The kind of placement that puts a tenant on this node; a gateway serves every tenant that has an aggregate. */
  get placedKind(): 'aggregate' | 'projection' | 'runner' {
    return this.config.service === 'gateway' ? 'aggregate' : this.config.service;
  }

  /** HTTP first, so that a node that waits for NATS says so instead of looking dead. */
  async start(service: Service): Promise<void> {
    this.service = service;
    await this.listen();
    const { natsUrl, service: kind, shard, placementFile } = this.config;
    const bus = await connectBus(natsUrl, `${kind}-${shard}`, () => {
      if (this.sources) void untilDone('reading again after NATS came back', this.log, () => this.read('heal'));
    });
    await untilDone('preparing the platform', this.log, () => ensurePlatform(bus));
    this.bus = bus;
    await service.start(bus);
    const kinds = kind === 'gateway' ? ['aggregate.*', 'projection.*'] : [`${kind}.*`];
    this.sources = {
      placement: placementFile
        ? createFileSource(placementFile, this.placements)
        : this.follow(bus, 'placement', kinds, this.placements),
      config: this.follow(bus, 'config', ['tenants.*'], this.flags),
    };
    await untilDone('reading placement and config', this.log, () => this.reload());
    this.announce();
    this.log.info({ tenants: this.gates.all().length, revision: this.placements.revision }, 'serving');
  }

  /** A copy of a bucket that is checked, told in the state and measured, whoever uses it. */
  follow(bus: Bus, bucket: Parameters<typeof createKvSource>[1], keys: string[], into: Mirrored): Source {
    const source = createKvSource(bus, bucket, keys, into, (name, cause) => {
      this.healed.inc({ bucket: name, cause });
      if (cause === 'period') return this.log.debug({ bucket: name }, 'a whole reading of the bucket was due');
      this.log.warn({ bucket: name, cause }, 'the copy of a bucket was not to be trusted and was read again');
    });
    this.followers.push(source);
    return source;
  }

  followerStates(): FollowerState[] {
    return this.followers.flatMap((source) => source.state() ?? []);
  }

  /** Told when it is asked for: a process that hangs must not go on saying 0. */
  measureFollowers(): void {
    for (const { bucket, behind_since } of this.followerStates()) {
      const since = behind_since === null ? ambient.now() : Date.parse(behind_since);
      this.behind.set({ bucket }, Math.max(0, ambient.now() - since) / 1000);
    }
  }

  async stop(): Promise<void> {
    for (const source of this.followers) source.stop();
    // Without NATS nothing can be finished or saved; the log has what was acknowledged, so waiting would gain nothing.
    const connected = this.bus?.connected() ?? false;
    await Promise.race([this.service.stop(), ambient.sleep(connected ? STOP_MS : 200)]);
    if (connected) await Promise.race([this.bus?.nc.drain(), ambient.sleep(1000)]);
    this.server?.closeAllConnections();
    this.server?.close();
  }

  /** Reads placement and config again; resolves when both are applied. Flags first: a paused newcomer starts paused. */
  reload(): Promise<void> {
    return this.read('reload');
  }

  /** The same, and of a bucket that was lost nothing is given up. */
  heal(): Promise<void> {
    return this.read('heal');
  }

  private async read(how: 'reload' | 'heal'): Promise<void> {
    if (!this.sources) throw new Problem('nats.unavailable', 'the node is not connected to NATS yet');
    try {
      const { placement, config } = this.sources;
      const others = this.followers.filter((source) => source !== placement && source !== config);
      for (const source of [config, placement, ...others]) await source[how]();
    } catch (err) {
      throw err instanceof Problem ? err : new Problem('nats.unavailable', `cannot reload: ${(err as Error).message}`);
    }
  }

  /** For a node that is told it is behind: asks the source about this one tenant. */
  async catchUp(tenant: string, kind: Kind = this.placedKind): Promise<void> {
    await this.sources?.placement.refresh(placementKey(kind, tenant));
  }

  /** What is not in the copy of the placements may be placed all the same. */
  get placementInDoubt(): boolean {
    return this.sources?.placement.inDoubt ?? true;
  }

  /** Tells gateways that gates of this shard opened, so that parked commands need not wait for their timer. */
  announce(): void {
    this.bus?.nc.publish(subjects.gates(this.config.shard));
  }

  /** One probe at a time, shared by all who ask meanwhile. */
  ready(): Promise<Readiness> {
    this.probing ??= this.measure().finally(() => (this.probing = undefined));
    return this.probing;
  }

  private async measure(): Promise<Readiness> {
    const dependencies = await Promise.all([
      probe('nats', () => pingNats(this.bus)),
      probe('storage', () => probeStorage(this.config, this.bus)),
      probe('placement', async () => {
        if (!this.sources) throw new Error('not read yet');
        // Said and no failure: a bucket that was lost makes every copy doubtful, and the platform must go on serving.
        const behind = this.followerStates().filter(({ behind_since }) => behind_since !== null);
        const doubts = behind.map(({ bucket, behind_since, detail }) => `; ${bucket} since ${behind_since}: ${detail}`);
        return `revision ${this.placements.revision}${doubts.join('')}`;
      }),
    ]);
    const lie = this.faults.settings.lie_ready;
    return { ready: lie ? lie === 'ready' : dependencies.every((dependency) => dependency.ok), dependencies };
  }

  private placed(key: string, now: Placement | undefined): void {
    const tenant = tenantOf(key, this.placedKind);
    if (!tenant) return;
    if (now && (this.config.service === 'gateway' || now.shard === this.config.shard)) {
      const gate = this.gates.arrive(tenant);
      gate.set({ paused: this.flags.get(flagsKey(tenant))?.paused ?? false });
      this.service.arrive?.(gate);
    } else if (this.gates.get(tenant)) {
      void this.gates.leave(tenant).then((gone) => {
        if (!gone) return;
        this.service.left?.(tenant);
        this.metrics.forget(tenant);
      });
    }
  }

  private async listen(): Promise<void> {
    const name = `${this.config.service}_request`;
    const count = this.metrics.counter(`${name}s_total`, 'HTTP requests by route template', ['path', 'status']);
    const duration = this.metrics.histogram(`${name}_duration_seconds`, 'HTTP time by route template', ['path']);
    const routes = [...this.routesOf(this), ...(this.service.routes ?? [])];
    const server = createHttpServer(routes, this.log, ({ path, status, seconds }) => {
      count.inc({ path, status });
      duration.observe({ path }, seconds);
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.config.port, this.config.host, resolve);
    });
    this.log.info({ address: server.address() }, 'listening');
  }
}

async function untilDone(what: string, log: Logger, work: () => Promise<void>): Promise<void> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 2000)) {
    try {
      return await work();
    } catch (err) {
      log.warn({ err: (err as Error).message }, `${what} failed; trying again in ${wait} ms`);
      await ambient.sleep(wait);
    }
  }
}
