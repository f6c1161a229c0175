// The rules of the overview over arbitrary facts: never a wrong "ok", most severe first, nothing unchecked left out.
import { expect, it } from '@jest/globals';
import { Overview, OverviewKind, Problem, type ServiceKind } from '@cloudlysis/contract';
import fc from 'fast-check';
import { auditLook } from '../audit/attention.ts';
import type { AuditFreshness } from '../audit/index.ts';
import { clocksLook } from '../clocks/attention.ts';
import { copiesBehind, copiesLook } from '../copies/attention.ts';
import type { CopyState } from '../copies/index.ts';
import type { Asked, Look } from '../feature/attention.ts';
import { jobsLook } from '../jobs/api/attention.ts';
import type { JobsSight } from '../jobs/api/job-sight.ts';
import { systemAmbient } from '../kernel/ambient.ts';
import type { KindFigures, Traffic } from '../node-metrics/index.ts';
import { driftLook } from '../placement/drift/attention.ts';
import { createDriftWatch } from '../placement/drift/drift-watch.ts';
import type { DrainOrder, DriftSurvey } from '../placement/index.ts';
import { nodesLook } from '../placement/sight/attention.ts';
import type { SightedShard } from '../placement/sight/sighted-shards.ts';
import { mongoLook, unreadableLook } from '../ports/mongo/mongo-feature.ts';
import { natsLook, type JetStreamAccount, type StreamLimit } from '../ports/nats/index.ts';
import { tenantsLook, type TenantSummary } from '../tenants/directory/attention.ts';
import type { PeerClock } from '../clocks/skew.ts';
import { MAX_ITEMS, overviewOf } from './overview.ts';

/** Everything that features see of the platform, as their looks read it. */
interface OverviewFacts {
  readonly now: Date;
  readonly wholePlatform: boolean;
  readonly badRecords: readonly [];
  readonly shards: Asked<readonly SightedShard[]>;
  readonly figures: Readonly<Record<ServiceKind, KindFigures>>;
  readonly traffic: Traffic | null;
  readonly bus: Asked<{ roundTripMs: number; account: JetStreamAccount; limits: readonly StreamLimit[] }>;
  readonly store: Asked<number>;
  readonly audit: Asked<AuditFreshness>;
  readonly chainBroken: { readonly reason: string; readonly at: Date } | null;
  readonly jobs: Asked<Awaited<ReturnType<JobsSight['counts']>>>;
  readonly failures: Asked<Awaited<ReturnType<JobsSight['failures']>>>;
  readonly awaiting: Asked<Awaited<ReturnType<JobsSight['awaiting']>>>;
  readonly drift: Asked<DriftSurvey>;
  readonly tenants: Asked<TenantSummary>;
  readonly otherKeys: readonly string[];
  readonly namesake: string | null;
  readonly unknownJobs: ReturnType<JobsSight['unknownJobs']>;
  readonly copies: readonly CopyState[];
  readonly clocks: readonly PeerClock[];
}

const told = async <T>(asked: Asked<T>): Promise<T> =>
  asked.ok ? asked.value : Promise.reject(new Problem('internal', asked.reason));

/** The looks of all features, in the order of the composition root. */
function looksAt(facts: OverviewFacts): Look[] {
  const { bus, chainBroken } = facts;
  const broken = chainBroken && {
    at: chainBroken.at,
    first_bad: { seq: 7, record_id: null, reason: chainBroken.reason },
  };
  return [
    nodesLook({
      shards: () => told(facts.shards),
      metrics: { traffic: () => facts.traffic, figures: (kind) => facts.figures[kind] },
    }),
    natsLook({
      ping: async () => (await told(bus)).roundTripMs,
      account: async () => (await told(bus)).account,
      limits: async () => [...(await told(bus)).limits],
    }),
    mongoLook({ ping: () => told(facts.store) }),
    auditLook({ freshness: () => told(facts.audit), moved: () => null, lastVerification: () => broken }),
    copiesLook({ states: () => facts.copies }),
    clocksLook({ peers: () => [...facts.clocks] }),
    jobsLook({
      withOtherKey: () => facts.otherKeys,
      namesake: () => facts.namesake,
      unknownJobs: () => facts.unknownJobs,
      counts: () => told(facts.jobs),
      failures: () => told(facts.failures),
      awaiting: () => told(facts.awaiting),
    }),
    tenantsLook(() => told(facts.tenants)),
    driftLook({ latest: () => told(facts.drift) }),
    unreadableLook({ known: () => [...facts.badRecords] }),
  ];
}

/** Of what `looksAt` gives: nodes, NATS, tenants, drift. */
const IN_DEV: ReadonlySet<number> = new Set([0, 1, 7, 8]);

const overviewIn = (facts: OverviewFacts): Promise<Overview> =>
  overviewOf(
    {
      ambient: { ...systemAmbient(), now: () => NOW },
      looks: looksAt(facts).map((value, index) => ({ name: `f${index}`, environment: IN_DEV.has(index) ? 'dev' : null, value })), // prettier-ignore
    },
    () => (facts.wholePlatform ? 'all' : new Set(['acme'])),
  );

const NOW = new Date('2026-11-21T09:00:00.000Z');
const KINDS: readonly ServiceKind[] = ['gateway', 'aggregate', 'projection', 'runner'];

const asked = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Asked<T>> =>
  fc.oneof(
    { weight: 3, arbitrary: value.map((it): Asked<T> => ({ ok: true, value: it })) },
    { weight: 1, arbitrary: fc.constant<Asked<T>>({ ok: false, reason: 'no answer within 1200 ms' }) },
  );
const time = fc.nat(86_400_000).map((ago) => new Date(NOW.getTime() - ago));
const shard = (shardId: string): fc.Arbitrary<SightedShard> =>
  fc.record({
    shardId: fc.constant(shardId),
    kind: fc.constantFrom(...KINDS),
    tenants: fc.nat(20),
    capacity: fc.integer({ min: 1, max: 15 }),
    state: fc.constantFrom('ready', 'ready', 'not-ready', 'unreachable'),
    reason: fc.constant('as the node says'),
    drains: fc.boolean(),
    since: fc.option(time),
    ordered: fc.array(fc.tuple(fc.constantFrom('acme', 'other', null), time), { maxLength: 3 }).map(
      (some) =>
      some
        .filter(([id], index) => some.findIndex(([one]) => one === id) === index)
        .map(([tenant_id, since]): DrainOrder => ({
          _id: tenant_id === null ? shardId : `${shardId}/${tenant_id}`, shard_id: shardId, tenant_id, wanted: 'drained',
          job_id: 'job_9', by: 'user:bob', reason: 'INC-9', since, told_again: null, version: 1,
        })), // prettier-ignore
    ),
    at: fc.constant(NOW),
    doubts: fc.array(
      time.map((since) => ({ bucket: 'placement', says: 'its copy of placement cannot be vouched for', since })),
      { maxLength: 1 },
    ),
  });
const shards = fc.integer({ min: 0, max: 60 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => shard(`s${n}`)))); // prettier-ignore
const figures = fc.record({ value: fc.option(fc.nat(9_000)), silent: fc.boolean() }).map(({ value, silent }) => {
  const told = silent ? null : value;
  const read = (): number | null => told;
  return {
    silent: silent ? [{ shardId: 's0', reason: 'gone' }] : [],
    gauge: read,
    peak: read,
    grown: read,
    commandMs: read,
  };
});
const rate = fc.record({
  requestsPerSecond: fc.nat(500),
  errorRatio: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
});
const survey: fc.Arbitrary<DriftSurvey> = fc.record({
  items: fc.array(
    fc.record({
      tenant_id: fc.constant('acme'), kind: fc.constantFrom(...KINDS), recorded: fc.constant('a1'), published: fc.constant('a2'),
      reported: fc.constant([]), misrouted: fc.constant([]), reason: fc.constant('recorded on a1, published on a2'), repairable: fc.boolean(),
    }), // prettier-ignore
    { maxLength: 3 },
  ),
  checked: fc.nat(),
  unreachable: fc.array(fc.constant('a9'), { maxLength: 2 }),
});
const degraded = fc.nat(20).map((count) =>
  Array.from({ length: count }, (_, n) => ({
    tenantId: `t-${n}`,
    status: { state: 'degraded' as const, reason: 'consumer lag 12 042 > 5 000', since: NOW },
  })),
);
const facts: fc.Arbitrary<OverviewFacts> = fc.record({
  now: fc.constant(NOW),
  wholePlatform: fc.boolean(),
  badRecords: fc.constant([]),
  shards: asked<readonly SightedShard[]>(shards),
  figures: fc.record({ gateway: figures, aggregate: figures, projection: figures, runner: figures }),
  traffic: fc.option(rate.map((all) => ({ at: NOW, tenants: new Map(), others: all, all }))),
  bus: asked(
    fc.record({
      roundTripMs: fc.double({ min: 0, max: 50, noNaN: true }),
      account: fc.record({ storedBytes: fc.nat(100), limitBytes: fc.option(fc.constant(100)), streams: fc.nat(9), consumers: fc.nat(9) }),
      limits: fc.uniqueArray(fc.record({ stream: fc.constantFrom('EVENTS', 'KV_placement'), what: fc.constant('consumers' as const), used: fc.nat(12), limit: fc.option(fc.constant(10)) }), { maxLength: 2, selector: ({ stream }) => stream }),
    }), // prettier-ignore
  ),
  store: asked(fc.double({ min: 0, max: 50, noNaN: true })),
  audit: asked(
    fc.record({
      seq: fc.nat(), waiting: fc.nat(20_000), waitingSince: fc.option(time), blocked: fc.option(fc.constant('a place is taken')),
      setAside: fc.option(fc.record({ documents: fc.nat(9), newestAt: time })),
    }), // prettier-ignore
  ),
  chainBroken: fc.option(
    time.map((at) => ({ reason: 'record 7: its hash does not hold', at })),
    { freq: 9 },
  ),
  otherKeys: fc.constantFrom<string[]>([], ['replica-9']),
  namesake: fc.constantFrom(null, 'replica-8'),
  unknownJobs: fc.array(
    fc.record({ jobId: fc.constantFrom('job_8', 'job_9'), what: fc.constant('version 2 of scale.migrate') }),
    { maxLength: 2 },
  ),
  awaiting: asked(
    fc.array(
      fc.record({ jobId: fc.uuid().map((id) => `job_${id}`), kind: fc.constant('scale.migrate'), resource: fc.constant('tenant:acme'), signal: fc.constant('approval'), since: time }),
      { maxLength: 3 },
    ), // prettier-ignore
  ),
  jobs: asked(fc.record({ open: fc.nat(9), failed: fc.nat(9), succeeded: fc.nat(9) })),
  failures: asked(
    fc.array(
      fc.record({
        jobId: fc.uuid().map((id) => `job_${id}`), kind: fc.constant('scale.migrate'), state: fc.constantFrom('failed', 'compensated'),
        resource: fc.constant('tenant:acme'), why: fc.constant('because'), endedAt: fc.option(time),
      }), // prettier-ignore
      { maxLength: 20 },
    ),
  ),
  drift: asked(survey),
  copies: fc.constantFrom('placements', 'revocations').chain((name) =>
    fc.option(time).map((behindSince) => [
      {
        name,
        size: 3,
        missed: 0,
        checkedAt: NOW,
        behindSince,
        reason: behindSince && 'the watch broke: no answer',
      },
    ]),
  ),
  clocks: fc.array(
    fc.tuple(fc.nat(60), fc.oneof(fc.constantFrom(null, 1_999, 2_000, -2_000, 10_000, 10_001, -1_500_000), fc.integer())).map(([n, aheadMs]) =>
      n < 3
        ? { kind: 'replica' as const, name: `r${n}`, resource: 'service:control-plane', aheadMs }
        : { kind: 'node' as const, name: `${KINDS[n % 4]}/s${n}`, resource: `shard:s${n}`, aheadMs },
    ),
    { maxLength: 40 },
  ).map((all) => [...new Map(all.map((one) => [one.name, one])).values()]), // prettier-ignore
  tenants: asked(
    fc.record({
      total: fc.nat(),
      byState: fc.constant({ active: 1 }),
      degradedTotal: fc.integer({ min: 20, max: 9_999 }),
      degraded,
    }),
  ),
});
const RANK = { critical: 0, warning: 1, info: 2 };

it('UI-01 every kind has a state and a sentence, and none is ok that was not checked in all its parts', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (given) => {
      const { services } = await overviewIn(given);
      expect(services.map(({ kind }) => kind)).toEqual(OverviewKind.options);
      for (const { kind, state, reason, figures: told } of services) {
        expect(reason).not.toBe('');
        if (state !== 'ok') continue;
        // Without commands there is no p95, without requests no share of errors: that is measured, too.
        const open = told.filter(
          ({ value, name }) => value === null && name !== 'command_p95' && name !== 'error_ratio',
        );
        if (kind !== 'jetstream' && kind !== 'runner') expect([kind, open]).toEqual([kind, []]);
        if (kind === 'mongodb') expect(given.store.ok).toBe(true);
        if (kind === 'jetstream') expect(given.bus.ok).toBe(true);
        if (kind === 'control-plane')
          expect([given.audit.ok, given.jobs.ok, given.chainBroken, copiesBehind(given.copies, NOW)]).toEqual([
            true,
            true,
            null,
            [],
          ]);
        if (!given.shards.ok) expect(['jetstream', 'mongodb', 'control-plane']).toContain(kind);
        else
          for (const node of given.shards.value)
            if (node.kind === kind) expect([node.state, node.doubts]).toEqual(['ready', []]);
      }
    }),
  );
});

it('UI-01 what needs a person comes most severe first, at most 50, each once, and fits the contract', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (given) => {
      const overview = await overviewIn(given);
      const items = overview.attention;
      expect(items.length).toBeLessThanOrEqual(MAX_ITEMS);
      const ranks = items.map(({ severity }) => RANK[severity]);
      expect(ranks).toEqual(ranks.toSorted());
      expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
      expect(Overview.safeParse(overview).error).toBeUndefined();
      if (given.wholePlatform && given.shards.ok)
        for (const { shardId, state } of given.shards.value)
          if (state === 'unreachable' && items.length < MAX_ITEMS)
            expect(items.map(({ id }) => id)).toContain(`shard.unreachable:${shardId}`);
      if (given.wholePlatform && given.shards.ok && items.length < MAX_ITEMS)
        for (const { shardId, doubts } of given.shards.value)
          for (const { bucket, since } of doubts)
            expect(items.find(({ id }) => id === `shard.copy:${shardId}/${bucket}`)?.since).toBe(since.toISOString());
      for (const { name } of given.wholePlatform ? copiesBehind(given.copies, NOW) : [])
        if (items.length < MAX_ITEMS) expect(items.map(({ id }) => id)).toContain(`copy.behind:${name}`);
      if (items.length < MAX_ITEMS)
        expect(items.some(({ id }) => id === 'control-key.differs')).toBe(
          given.wholePlatform && given.otherKeys.length > 0,
        );
      if (items.length < MAX_ITEMS)
        expect(items.some(({ id }) => id === 'replica.namesake')).toBe(given.wholePlatform && given.namesake !== null);
      if (items.length < MAX_ITEMS)
        expect(items.some(({ id }) => id === 'jobs.unknown')).toBe(given.wholePlatform && given.unknownJobs.length > 0);
      if (given.awaiting.ok && items.length < MAX_ITEMS)
        for (const { jobId, since } of given.awaiting.value)
          expect(items.find(({ id }) => id === `job.awaits:${jobId}`)?.since).toBe(since.toISOString());
      if (!given.wholePlatform)
        expect(items.filter(({ resource }) => /^(shard:|drift$|audit$)/.test(resource))).toEqual([]);
    }),
  );
});

/** Facts in which every word about the platform is marked, and so is every word about what the reader may see. */
const marked = (given: OverviewFacts): OverviewFacts => {
  const hidden = 'HIDDEN http://10.0.0.1:8101';
  const unread = <T>(asked: Asked<T>): Asked<T> => (asked.ok ? asked : { ok: false, reason: hidden });
  const { shards, figures, failures, tenants, drift, chainBroken, bus } = given;
  const silenced = Object.entries(figures).map(([kind, all]) => [
    kind,
    { ...all, silent: all.silent.map(({ shardId }) => ({ shardId: `HIDDEN-${shardId}`, reason: hidden })) },
  ]);
  return {
    ...given,
    shards: unread(shards.ok ? { ok: true, value: shards.value.map((one) => ({ ...one, shardId: `HIDDEN-${one.shardId}`, reason: hidden, doubts: one.doubts.map((doubt) => ({ ...doubt, bucket: 'HIDDEN', says: hidden })) })) } : shards),
    figures: Object.fromEntries(silenced) as OverviewFacts['figures'],
    bus: unread(bus),
    store: unread(given.store),
    audit: unread(given.audit),
    jobs: unread(given.jobs),
    clocks: given.clocks.map((one) => ({ ...one, name: 'HIDDEN', resource: 'shard:HIDDEN' })),
    otherKeys: given.otherKeys.map(() => 'HIDDEN'),
    namesake: given.namesake && 'HIDDEN',
    unknownJobs: given.unknownJobs.map(() => ({ jobId: 'HIDDEN', what: 'HIDDEN' })),
    copies: given.copies.map((copy) => ({ ...copy, name: 'HIDDEN', reason: copy.reason && hidden })),
    failures: unread(failures),
    awaiting: unread(given.awaiting),
    tenants: unread(tenants),
    drift: unread(drift.ok ? { ok: true, value: { ...drift.value, items: drift.value.items.map((one) => ({ ...one, tenant_id: 'HIDDEN', reason: hidden })), unreachable: ['HIDDEN'] } } : drift),
    chainBroken: chainBroken && { ...chainBroken, reason: hidden },
  };
}; // prettier-ignore

it('NFR-01 UI-01 who sees some tenants only is told no node, no address and nothing of the platform by name', async () => {
  const words = ({ services, attention, unchecked }: Overview): string => JSON.stringify([services, attention, unchecked]);
  let named = 0;
  await fc.assert(
    fc.asyncProperty(facts, async (given) => {
      const whole = marked(given);
      const some = await overviewIn({ ...whole, wholePlatform: false });
      const all = await overviewIn({ ...whole, wholePlatform: true });
      const outline = words(some);
      expect(outline).not.toMatch(/HIDDEN|http|\bs\d+\b/);
      named += words(all).includes('HIDDEN') ? 1 : 0;
      // What is theirs is told as to everybody.
      if (given.failures.ok) for (const { jobId } of given.failures.value.slice(0, 1)) expect(whole.tenants.ok && whole.tenants.value.degraded.length >= MAX_ITEMS ? jobId : outline).toContain(jobId);
      const states = ({ services }: Overview): unknown => services.map(({ kind, state }) => [kind, state]);
      expect(states(some)).toEqual(states(all));
    }),
  );
  expect(named).toBeGreaterThan(0);
}); // prettier-ignore

it('UI-01 whatever could not be asked is named', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (given) => {
      const { unchecked } = await overviewIn(given);
      const sources = unchecked.map(({ source }) => source);
      const named = { shards: 'shards', bus: 'NATS', store: 'MongoDB', audit: 'audit log', jobs: 'jobs', tenants: 'tenants' } as const; // prettier-ignore
      for (const [fact, source] of Object.entries(named))
        expect([source, sources.includes(source)]).toEqual([source, !given[fact as keyof typeof named].ok]);
      for (const kind of KINDS)
        for (const { shardId } of given.figures[kind].silent)
          expect(sources).toContain(`${kind}/${given.wholePlatform ? shardId : 'some nodes'} metrics`);
    }),
  );
});

it('UI-01 drift is surveyed once for all who look, shown from memory while it is fresh, and forgotten when it is old', async () => {
  let clock = 0;
  let surveys = 0;
  let answer: () => Promise<DriftSurvey> = async () => ({ items: [], checked: ++surveys, unreachable: [] });
  const watch = createDriftWatch({ ...systemAmbient(), monotonic: () => clock }, () => answer());
  const both = await Promise.all([watch.latest(), watch.latest()]);
  expect(both.map(({ checked }) => checked)).toEqual([1, 1]);
  clock = 40_000;
  expect((await watch.latest()).checked).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect((await watch.latest()).checked).toBe(2);
  answer = () => Promise.reject(new Error('NATS is away'));
  clock = 100_000;
  expect((await watch.latest()).checked).toBe(2);
  clock = 900_000;
  await expect(watch.latest()).rejects.toThrow('NATS is away');
});

it('SCL-06 UI-01 a node that does not answer says since when, and offers to evacuate it as gone where tenants live on it', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (given) => {
      const { attention: items } = await overviewIn({ ...given, wholePlatform: true });
      for (const one of given.shards.ok ? given.shards.value : []) {
        const item = items.find(({ id }) => id === `shard.unreachable:${one.shardId}`);
        if (!item) continue;
        const isHome = one.tenants > 0 && one.kind !== 'gateway';
        expect(item.since).toBe(one.since?.toISOString() ?? null);
        expect([item.action, item.input]).toEqual(isHome ? ['scale.evacuate', { source: 'gone' }] : [null, {}]);
      }
      for (const item of items.filter(({ action }) => action === 'scale.drain'))
        expect(item.input).toMatchObject({ action: 'resume' });
    }),
  );
});

it('UI-01 NFR-05 a feature that fails or hangs when it is looked at is named as not looked at, and keeps none of the others from being told', async () => {
  const machine = systemAmbient();
  const ambient = {
    ...machine,
    now: () => NOW,
    sleep: (ms: number, signal?: AbortSignal) => machine.sleep(ms / 20, signal),
  };
  const looks = [
    { name: 'broken', environment: null, value: (): never => { throw new TypeError('HIDDEN'); } },
    { name: 'hanging', environment: 'dev', value: () => new Promise<never>(() => undefined) },
    { name: 'mongodb', environment: null, value: mongoLook({ ping: async () => 1 }) },
  ]; // prettier-ignore
  for (const [visible, late] of [
    ['all', 'no answer within 1500 ms'],
    [new Set<string>(), 'it could not be asked'],
  ] as const) {
    const { services, unchecked } = await overviewOf({ ambient, looks }, () => visible);
    expect(unchecked).toEqual([
      { environment: null, source: 'broken', reason: 'it could not be asked' },
      { environment: 'dev', source: 'hanging', reason: late },
    ]);
    expect(services.find(({ kind }) => kind === 'mongodb')?.state).toBe('ok');
    expect(services.filter(({ state }) => state === 'ok').map(({ kind }) => kind)).toEqual(['mongodb']);
  }
});
