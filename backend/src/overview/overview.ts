/** What the overview answers, of what every feature says: a service each, the most severe first, and what nobody could look at. */
import { Problem, OverviewKind, type Overview } from '@cloudlysis/contract';
import type { Ambient } from '../kernel/ambient.ts';
import type { Contribution } from '../feature/feature.ts';
import type { Visible } from '../call/principal.ts';
import { UNSAID, type Asked, type Attention, type Found, type Glance, type Look, type Onlooker, type OwnPart, type Missed, type ServiceSight } from '../feature/attention.ts'; // prettier-ignore

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

export async function overviewOf(
  { ambient, looks }: OverviewDeps,
  visibleIn: (environment: string | null) => Visible,
): Promise<Overview> {
  const now = ambient.now();
  const timer = new AbortController();
  const late = ambient.sleep(WAIT_MS, timer.signal).catch(() => undefined);
  const tooLate = ambient.sleep(LOOK_MS, timer.signal).catch(() => undefined);
  const looked = looks.map(async ({ name, environment, value: look }): Promise<Sight> => {
    const visible = visibleIn(environment);
    const unread: Missed[] = [];
    const glance = answered(async () => look(onlooker(visible, now, late, unread)), tooLate, LOOK_MS);
    const told = await glance;
    const reason = told.ok ? '' : visible === 'all' ? told.reason : UNSAID;
    const { platform, ...seen }: Glance = told.ok ? told.value : { unchecked: [{ source: name, reason }] };
    return { environment, unread, glance: visible === 'all' && platform ? { ...seen, platform } : seen };
  });
  const sights = await Promise.all(looked);
  timer.abort();
  const environments = [...new Set(looks.flatMap(({ environment }) => environment ?? []))];
  const services = servicesOf(sights, environments);
  const told = (of: (glance: Glance) => readonly Found[] | undefined): Attention[] =>
    sights.flatMap(({ environment, glance }) =>
      (of(glance) ?? []).map((item) => ({ input: {}, environment, ...item })),
    );
  const found = [...services.flatMap(serviceItem), ...told(({ platform }) => platform), ...told(({ items }) => items)];
  const unchecked = [
    ...sights.flatMap(({ environment, unread }) => unread.map((one) => ({ environment, ...one }))),
    ...sights.flatMap(({ environment, glance }) => (glance.unchecked ?? []).map((one) => ({ environment, ...one }))),
  ];
  return {
    services: services.map(({ itself: _, ...service }) => service),
    jobs: { open: null, failed_24h: null, succeeded_24h: null },
    ...Object.assign({}, ...sights.map(({ glance }) => glance.sums)),
    tenants: tenantsOf(sights),
    // Of two environments the same may be told: each is an item by itself.
    attention: inOrder(environments.length > 1 ? found.map(apart) : found),
    unchecked: unchecked.slice(0, MAX_UNCHECKED),
    sampled_at: now.toISOString(),
  };
}

const apart = (item: Attention): Attention =>
  item.environment === null ? item : { ...item, id: `${item.environment}/${item.id}` };

/** What one feature says, and where. */
interface Sight {
  readonly environment: string | null;
  readonly unread: readonly Missed[];
  readonly glance: Glance;
}

/** Of all environments; unknown as soon as it is of one. */
function tenantsOf(sights: readonly Sight[]): Overview['tenants'] {
  const told = sights.flatMap(({ glance }) => glance.sums?.tenants ?? []);
  const by_state: Record<string, number> = {};
  let total: number | null = told.length > 0 ? 0 : null;
  for (const one of told) {
    total = total === null || one.total === null ? null : total + one.total;
    for (const [state, count] of Object.entries(one.by_state)) by_state[state] = (by_state[state] ?? 0) + count;
  }
  return { total, by_state };
}

/** Within a severity the newest first: what has just begun is what nobody has seen. */
function inOrder(found: readonly Attention[]): Attention[] {
  const since = (item: Attention): string => item.since ?? '';
  return found
    .toSorted((a, b) => RANK[a.severity] - RANK[b.severity] || (since(a) < since(b) ? 1 : since(a) > since(b) ? -1 : 0))
    .slice(0, MAX_ITEMS);
}

/** To who sees some tenants only no reason is told: a node or an address may be in it. */
function onlooker(visible: Visible, now: Date, late: Promise<unknown>, unread: Missed[]): Onlooker {
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

type ServiceRow = ServiceSight & { readonly environment: string | null };

/** What every environment has for itself; the rest is one for all. */
const WITHIN: ReadonlySet<OverviewKind> = new Set(['gateway', 'aggregate', 'projection', 'runner', 'jetstream']);

function servicesOf(sights: readonly Sight[], environments: readonly string[]): ServiceRow[] {
  const rowsOf = (at: string | null, kinds: readonly OverviewKind[]): ServiceRow[] => {
    const here = sights.filter(({ environment }) => environment === at);
    const told = new Map(here.flatMap(({ glance }) => glance.services ?? []).map((one) => [one.kind, one]));
    if (at === null) told.set('control-plane', ourselves(sights.flatMap(({ glance }) => glance.own ?? [])));
    return kinds.map((kind) => ({
      environment: at,
      ...(told.get(kind) ?? { kind, state: 'unknown', reason: UNSAID, figures: [] }),
    }));
  };
  const within = OverviewKind.options.filter((kind) => WITHIN.has(kind));
  const global = OverviewKind.options.filter((kind) => !WITHIN.has(kind));
  return [...environments.flatMap((id) => rowsOf(id, within)), ...rowsOf(null, global)];
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

function serviceItem({ kind, environment, state, reason, itself }: ServiceRow): Attention[] {
  if (itself || state === 'ok' || state === 'unknown') return [];
  const severity = state === 'down' ? 'critical' : 'warning';
  const title = `${NAMES[kind]} ${state === 'down' ? 'is down' : 'is degraded'}`;
  return [{ id: `service.${state}:${kind}`, environment, severity, title, detail: reason, since: null, resource: `service:${kind}`, action: null, input: {} }]; // prettier-ignore
}
