/** What the overview answers, of what every feature says: a service each, the most severe first, and what nobody could look at. */
import { Problem, OverviewKind, type Overview } from '@cloudlysis/contract';
import type { Ambient } from '../kernel/ambient.ts';
import type { Contribution } from '../feature/feature.ts';
import type { Visible } from '../call/principal.ts';
import { UNSAID, type Asked, type Attention, type Found, type Glance, type Look, type Onlooker, type OwnPart, type ServiceSight, type Unchecked } from '../feature/attention.ts'; // prettier-ignore

export interface OverviewDeps {
  /** Of the time that replicas share. */
  readonly ambient: Ambient;
  /** Of what is as severe and as new, what comes first here is told first. */
  readonly looks: readonly Contribution<Look>[];
}

export const MAX_ITEMS = 50;
const MAX_UNCHECKED = 100;
/** No answer is waited for longer. */
const WAIT_MS = 1_200;
/** Nor a feature that waits for something else than answers. */
const LOOK_MS = 1_500;
const RANK: Readonly<Record<Attention['severity'], number>> = { critical: 0, warning: 1, info: 2 };
const NAMES: Readonly<Record<OverviewKind, string>> = {
  gateway: 'Gateway',
  aggregate: 'Aggregate',
  projection: 'Projection',
  runner: 'Runner',
  jetstream: 'JetStream',
  mongodb: 'MongoDB',
  'control-plane': 'Control plane',
};

export async function overviewOf({ ambient, looks }: OverviewDeps, visible: Visible): Promise<Overview> {
  const now = ambient.now();
  const wholePlatform = visible === 'all';
  const timer = new AbortController();
  const late = ambient.sleep(WAIT_MS, timer.signal).catch(() => undefined);
  const tooLate = ambient.sleep(LOOK_MS, timer.signal).catch(() => undefined);
  const unread: Unchecked[][] = looks.map(() => []);
  const given = looks.map(async ({ name, value: look }, index): Promise<Glance> => {
    const glance = answered(async () => look(onlooker(visible, now, late, unread[index]!)), tooLate, LOOK_MS);
    return glance.then((told) =>
      told.ok ? told.value : { unchecked: [{ source: name, reason: wholePlatform ? told.reason : UNSAID }] },
    );
  });
  const glances = await Promise.all(given);
  timer.abort();
  const services = servicesOf(glances);
  const found = [
    ...services.flatMap(serviceItem),
    ...(wholePlatform ? glances.flatMap(({ platform }) => platform ?? []) : []),
    ...glances.flatMap(({ items }) => items ?? []),
  ];
  return {
    services: services.map(({ itself: _, ...service }) => service),
    tenants: { total: null, by_state: {} },
    jobs: { open: null, failed_24h: null, succeeded_24h: null },
    ...Object.assign({}, ...glances.map(({ sums }) => sums)),
    attention: inOrder(found),
    unchecked: [...unread.flat(), ...glances.flatMap(({ unchecked }) => unchecked ?? [])].slice(0, MAX_UNCHECKED),
    sampled_at: now.toISOString(),
  };
}

/** Within a severity the newest first: what has just begun is what nobody has seen. */
function inOrder(found: readonly Found[]): Attention[] {
  const since = (item: Found): string => item.since ?? '';
  return found
    .toSorted((a, b) => RANK[a.severity] - RANK[b.severity] || (since(a) < since(b) ? 1 : since(a) > since(b) ? -1 : 0))
    .slice(0, MAX_ITEMS)
    .map((item) => ({ input: {}, ...item }));
}

/** To who sees some tenants only no reason is told: a node or an address may be in it. */
function onlooker(visible: Visible, now: Date, late: Promise<unknown>, unread: Unchecked[]): Onlooker {
  const wholePlatform = visible === 'all';
  /** They are told of in the order in which they were asked for. */
  let asked = 0;
  return {
    visible,
    wholePlatform,
    now,
    async ask(source, work) {
      const place = asked++;
      const answer = await answered(work, late, WAIT_MS);
      if (answer.ok) return answer;
      const reason = wholePlatform ? answer.reason : UNSAID;
      unread[place] = { source, reason };
      return { ok: false, reason };
    },
  };
}

async function answered<T>(work: () => Promise<T>, late: Promise<unknown>, ms: number): Promise<Asked<T>> {
  const told = work().then(
    (value): Asked<T> => ({ ok: true, value }),
    (error: unknown): Asked<T> => ({ ok: false, reason: error instanceof Problem ? error.message : UNSAID }),
  );
  return Promise.race([told, late.then((): Asked<T> => ({ ok: false, reason: `no answer within ${ms} ms` }))]);
}

function servicesOf(glances: readonly Glance[]): ServiceSight[] {
  const told = new Map(glances.flatMap(({ services }) => services ?? []).map((one) => [one.kind, one]));
  told.set('control-plane', ourselves(glances.flatMap(({ own }) => own ?? [])));
  return OverviewKind.options.map((kind) => told.get(kind) ?? { kind, state: 'unknown', reason: UNSAID, figures: [] });
}

function ourselves(parts: readonly OwnPart[]): ServiceSight {
  const degraded = parts.find((part) => part.degraded !== null)?.degraded;
  const unknown = parts.find((part) => part.unknown !== null)?.unknown;
  const ok = parts.find((part) => part.ok !== undefined)?.ok;
  return {
    kind: 'control-plane',
    state: degraded ? 'degraded' : unknown || !ok ? 'unknown' : 'ok',
    reason: degraded ?? unknown ?? ok ?? UNSAID,
    // What is built on the rest is told first.
    figures: parts.toReversed().flatMap(({ figures }) => figures),
    itself: true,
  };
}

function serviceItem({ kind, state, reason, itself }: ServiceSight): Found[] {
  if (itself || state === 'ok' || state === 'unknown') return [];
  const severity = state === 'down' ? 'critical' : 'warning';
  const title = `${NAMES[kind]} ${state === 'down' ? 'is down' : 'is degraded'}`;
  return [{ id: `service.${state}:${kind}`, severity, title, detail: reason, since: null, resource: `service:${kind}`, action: null }]; // prettier-ignore
}
