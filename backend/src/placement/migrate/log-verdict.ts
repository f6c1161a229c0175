/** Pure: reads off a tenant's log whether its move lost or doubled anything, and how long writes paused. */
import type { TenantEvent } from '../../ports/nats/index.ts';

export interface LogWindow {
  /** The tenant's last event before the move began; version 0 for a tenant without any. */
  readonly baseline: { readonly version: number; readonly seq: number };
  /** Events around the move, oldest first: some from before the baseline, and all after it. */
  readonly events: readonly TenantEvent[];
  readonly from: string;
  readonly to: string;
}

export interface LogVerdict {
  /** Commands carried out since the baseline. */
  readonly commands: number;
  /** Versions that are missing. */
  readonly lost: number;
  /** Events whose version or command was there before. */
  readonly duplicated: number;
  readonly events_from: number;
  readonly events_to: number;
  /** Between the last event the source stored and the first the target stored; null without traffic on both sides. */
  readonly write_pause_ms: number | null;
}

export function logVerdictOf({ baseline, events, from, to }: LogWindow): LogVerdict {
  const after = events.filter(({ seq }) => seq > baseline.seq);
  const versions = new Set(after.map(({ version }) => version));
  const last = after.reduce((highest, { version }) => Math.max(highest, version), baseline.version);
  const expected = last - baseline.version;
  const present = [...versions].filter((version) => version > baseline.version).length;
  return {
    commands: new Set(after.map(({ command_id }) => command_id)).size,
    lost: expected - present,
    duplicated: duplicates(events, baseline.seq),
    events_from: after.length ? baseline.version + 1 : baseline.version,
    events_to: last,
    write_pause_ms: pause(events, from, to),
  };
}

/** An event counts once, whether its version or its command was there before; what lies before the baseline is only compared with. */
function duplicates(events: readonly TenantEvent[], baseline: number): number {
  const versions = new Set<number>();
  const commands = new Set<string>();
  let found = 0;
  for (const { seq, version, command_id } of events) {
    if (seq > baseline && (versions.has(version) || commands.has(command_id))) found += 1;
    versions.add(version);
    commands.add(command_id);
  }
  return found;
}

/** Beyond this the tenant was idle around the move, and the gap says nothing about the pause. */
const IDLE_MS = 60_000;

function pause(events: readonly TenantEvent[], from: string, to: string): number | null {
  const last = events.findLast(({ shard_id }) => shard_id === from);
  const first = last && events.find(({ shard_id, seq }) => shard_id === to && seq > last.seq);
  if (!last || !first || first.storedAt - last.storedAt > IDLE_MS) return null;
  return Math.round((first.storedAt - last.storedAt) * 10) / 10;
}
