// First and deep pages of long lists, over HTTP from a real backend process on the embedded store.
import { Problem, type Verification } from '@cloudlysis/contract';
import { encodeCursor } from '../../backend/src/kernel/paging.ts';
import { startStack, type Stack } from '../../backend/testing/stack.ts';
import { fillAudit, fillJobs, fillTenants, jobPlace, tenantName } from './big-store.ts';
import type { Figure, Section } from '../figure.ts';
import { digits, inPairs, quantile, timed, told } from '../spread.ts';

const GOAL_MS = 50;
const DEEP_GOAL = 1.2;
const TENANTS = 10_000;
const RECORDS = 100_000;
const JOBS = 5_000;
const PAIRS = 60;
const LIMIT = 50;

export async function measure(): Promise<Section> {
  const stack = await startStack({
    ownMongo: true,
    tenants: 0,
    shards: ['g1'],
    env: { LOG_LEVEL: 'warn', REQUESTS_PER_SECOND: '100000' },
  });
  try {
    await stack.backend.stop();
    await fillTenants(stack.db, TENANTS);
    const filled = (await timed(() => fillAudit(stack.db, RECORDS))) / 1000;
    await stack.backend.start();
    const proof = await verified(stack);
    await fillJobs(stack.db, JOBS);
    const figures = [
      ...(await pageFigures(
        stack,
        `tenants page at ${digits(TENANTS)} tenants`,
        '/tenants',
        tenantName(TENANTS - 500),
      )),
      ...(await pageFigures(stack, `jobs page at ${digits(JOBS)} jobs`, '/jobs', jobPlace(500))),
      ...(await pageFigures(stack, `audit page at ${digits(RECORDS)} records`, '/audit/records', 500)),
    ];
    return {
      title: 'Long lists',
      how:
        `${LIMIT} items a page, over HTTP, one request at a time, first and deep page in turn (${PAIRS} pairs); the deep page begins 500 ` +
        `from the end. The audit log was filled in ${digits(filled)} s with records on a chain that ` +
        `${proof.ok ? `verifies (${digits(proof.checked)} records)` : 'does NOT verify'}; reading it leaves a record of the reading.`,
      figures,
    };
  } finally {
    await stack.stop();
  }
}

async function pageFigures(stack: Stack, name: string, path: string, deepFrom: string | number): Promise<Figure[]> {
  const headers = { authorization: `Bearer ${stack.bearer('owner')}` };
  const taken = { first: [] as number[], deep: [] as number[] };
  const ask = (which: 'first' | 'deep', query: string) => async (): Promise<number> => {
    const ms = await timed(async () => {
      const response = await fetch(`${stack.url()}/admin/v1${path}?limit=${LIMIT}${query}`, { headers });
      const { items } = (await response.json()) as { items?: unknown[] };
      if (items?.length !== LIMIT) throw new Error(`${path} answers ${response.status} with ${items?.length} items`);
    });
    taken[which].push(ms);
    return ms;
  };
  const first = ask('first', '');
  const deep = ask('deep', `&cursor=${encodeCursor(deepFrom)}`);
  await inPairs(10, deep, first);
  taken.first.length = taken.deep.length = 0;
  const both = await inPairs(PAIRS, deep, first);
  const slower = Math.max(both.a.median, both.b.median);
  const [quick, flat] = [slower <= GOAL_MS, both.ratio.median <= DEEP_GOAL];
  const p99 = digits(quantile([...taken.first, ...taken.deep], 0.99));
  return [
    {
      name,
      measured: `first ${told(both.b, 'ms')}, deep ${told(both.a, 'ms')}; p99 of both ${p99} ms`,
      beside: '',
      goal: `≤ ${GOAL_MS} ms`,
      met: quick,
      ...(quick ? {} : { why: `${digits(slower)} ms at the median` }),
    },
    {
      name: `${name}, deep / first`,
      measured: told(both.ratio, '×'),
      beside: '',
      goal: `≤ ${DEEP_GOAL} ×`,
      met: flat,
      ...(flat ? {} : { why: `the deep page takes ${digits(both.difference.median)} ms more` }),
    },
  ];
}

/** A long chain is walked over several requests. */
async function verified(stack: Stack): Promise<Verification> {
  for (;;) {
    try {
      return await stack.as('owner').read('audit.verify');
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'audit.verifying') throw error;
    }
  }
}
