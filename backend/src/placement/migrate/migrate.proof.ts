/** The proof of a migration: record, publication, nodes and gateways agree on the target, and the log lost and doubled nothing. */
import { Problem, type Check, type Proof, type Shard } from '@cloudlysis/contract';
import type { InputOf } from '../../call/call.ts';
import type { JobContext } from '../../jobs/define/definition.ts';
import { holds, checkOf } from '../../jobs/plan/checks.ts';
import { grouped } from '../../kernel/figures.ts';
import type { PlacementDeps } from './placement-deps.ts';
import { routeProofChecks, routesTo, untilRouted } from '../nodes/gateways.ts';
import type { DrainIntent } from './drain-intent.ts';
import { logVerdictOf, type LogVerdict } from './log-verdict.ts';
import { placementKeyOf } from '../record/stored-placement.ts';
import { shardOf } from '../record/placement.store.ts';
import { isIdle, isServed, tenantAt, untilReleased } from '../nodes/tenant-at-node.ts';
import { waitFor } from '../../kernel/time.ts';

type Input = InputOf<'scale.migrate'>;

type Context = JobContext<Input>;

/** Stream sequences before the baseline that are read, too: a command sent twice may have its first event there. */
const LOOK_BACK = 2_000;
const MAX_EVENTS = 50_000;
/** Where commands were flowing, the first one on the target is waited for, so that the pause can be told. */
const FIRST_EVENT_MS = 1_000;
/** A gateway that is started meanwhile reads its placements by then. */
const ROUTED_MS = 3_000;
/** How long a source that came back may take to read where the tenant lives now. */
const SETTLE_MS = 3_000;

export async function verifyMove(deps: PlacementDeps, before: DrainIntent, context: Context): Promise<Proof> {
  const { input, signal } = context;
  const revision = before.revision + 1;
  const [target, source] = (await Promise.all([deps.store.shard(input.to), deps.store.shard(before.from)])).map(
    shardOf,
  );
  const wanted = { kind: input.kind, tenant_id: input.tenant_id, shard_id: input.to, revision };
  const [placed, serving, idle, log, routed] = await Promise.all([
    placedChecks(deps, input, revision),
    servingCheck(deps, target!, input.tenant_id, revision, signal),
    idleCheck(deps, source!, before, input, signal),
    movedLog(deps, before, context),
    untilRouted(deps, wanted, routesTo(wanted), ROUTED_MS, signal),
  ]);
  if (log.write_pause_ms !== null) deps.metrics.paused(log.write_pause_ms / 1_000);
  const gone = before.gone ? { source_gone: before.gone.trouble } : {};
  const facts = { ...log, from: before.from, to: input.to, revision, ...gone };
  return { checks: [...placed, serving, idle, ...routeProofChecks(routed, wanted), ...logChecks(log)], facts };
}

async function placedChecks(deps: PlacementDeps, input: Context['input'], revision: number): Promise<Check[]> {
  const { kind, tenant_id, to } = input;
  const [record, entry] = await Promise.all([
    deps.store.find(kind, tenant_id),
    deps.nats.placement.get(placementKeyOf(kind, tenant_id)),
  ]);
  const limit = `${to} at revision ${revision}`;
  const place = (shard: string | null | undefined, at: number | undefined): string =>
    shard ? `${shard} at revision ${at}` : 'nowhere';
  const recorded = place(record?.shard_id, record?.revision);
  const published = place(entry?.value.shard, entry?.value.revision);
  return [
    holds('placement.recorded', 'MongoDB has the new placement', recorded === limit, {
      measured: recorded,
      limit,
      detail: `recorded: ${recorded}`,
    }),
    holds('placement.published', 'NATS KV has the new placement', published === limit, {
      measured: published,
      limit,
      detail: `published: ${published}`,
    }),
  ];
}

async function servingCheck(
  deps: PlacementDeps,
  target: Shard,
  tenantId: string,
  revision: number,
  signal: AbortSignal,
): Promise<Check> {
  const there = await tenantAt(deps, target, tenantId, signal);
  const measured = there ? `${there.state} at revision ${there.placement_revision}` : 'not there';
  const detail = `${target.shard_id} says of ${tenantId}: ${measured}`;
  const values = { measured, limit: `serving at revision ${revision}`, detail };
  return holds('target.serving', 'The target serves the tenant', isServed(there, revision), values);
}

/**
 * A source that does not say what it serves warns: it died after it had drained, or was gone before, and reads the
 * placement when it comes back. One that came back meanwhile is given a moment to read it.
 */
async function idleCheck(
  deps: PlacementDeps,
  source: Shard,
  { gone }: DrainIntent,
  { tenant_id, to }: Input,
  signal: AbortSignal,
): Promise<Check> {
  const title = 'The source no longer serves the tenant';
  try {
    let there = await tenantAt(deps, source, tenant_id, signal);
    if (gone && !isIdle(there)) {
      await deps.nodes.at(source).reload(signal);
      await untilReleased(deps, source, tenant_id, SETTLE_MS, signal);
      there = await tenantAt(deps, source, tenant_id, signal);
    }
    const measured = there ? `${there.state}, in flight ${there.in_flight}` : 'not there';
    const detail = `${source.shard_id} says of ${tenant_id}: ${measured}`;
    return holds('source.idle', title, isIdle(there), { measured, limit: 'idle', detail });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Problem) || error.status < 500) throw error;
    const later = `when it comes back it reads that ${tenant_id} lives on ${to}; until then the log refuses what it writes`;
    const detail = `${source.shard_id}: ${error.message}; ${later}`;
    return checkOf('source.idle', title, 'warn', { measured: null, limit: 'idle', detail });
  }
}

async function movedLog(deps: PlacementDeps, before: DrainIntent, { input, signal }: Context): Promise<LogVerdict> {
  const { baseline, from, flowing = false } = before;
  const since = Math.max(0, baseline.seq - LOOK_BACK);
  const read = async (): Promise<LogVerdict> => {
    const events = await deps.nats.eventsAfter(input.tenant_id, since, MAX_EVENTS);
    const verdict = logVerdictOf({ baseline, events, from, to: input.to });
    // Only the aggregate writes: while a projection or a runner moves, commands go on.
    return input.kind === 'aggregate' ? verdict : { ...verdict, write_pause_ms: null };
  };
  let verdict = await read();
  const isFlowing = input.kind === 'aggregate' && (verdict.commands > 0 || flowing);
  if (isFlowing && verdict.write_pause_ms === null) {
    await waitFor(deps.ambient, FIRST_EVENT_MS, signal, async () => {
      verdict = await read();
      return verdict.write_pause_ms;
    });
  }
  return verdict;
}

function logChecks(log: LogVerdict): Check[] {
  const range = `events ${grouped(log.events_from)} to ${grouped(log.events_to)}`;
  return [
    holds('events.contiguous', 'The tenant’s events are contiguous across the move', log.lost === 0, {
      measured: log.lost,
      limit: 0,
      unit: 'events',
      detail: `lost ${grouped(log.lost)} of ${range}`,
    }),
    holds('commands.once', 'No command was carried out twice', log.duplicated === 0, {
      measured: log.duplicated,
      limit: 0,
      unit: 'events',
      detail: `duplicated ${grouped(log.duplicated)} in ${range}`,
    }),
  ];
}
