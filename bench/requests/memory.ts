// Memory of a real backend process: idle, and while it answers 100 000 requests.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from '../../backend/testing/stack.ts';
import type { Section } from '../figure.ts';
import { residentMb } from '../process-cost.ts';
import type { Order } from './request-client.ts';
import { digits, median } from '../spread.ts';

const GOAL_MB = 150;
/** RSS of a collected heap moves by this much on its own. */
const GROWTH = 1.05;
const REQUESTS = 100_000;
const BLOCKS = 20;
const SETTLE_MS = 5_000;

export async function measure(): Promise<Section> {
  const stack = await startStack({ tenants: 12, ownMongo: true, env: { REQUESTS_PER_SECOND: '1000000' } });
  const client = fork(join(import.meta.dirname, 'request-client.ts'));
  try {
    await sleep(SETTLE_MS);
    const { pid } = stack.backend;
    const idle = residentMb(pid);
    const base = `${stack.url()}/admin/v1`;
    const urls = [
      '/me',
      '/tenants?limit=20',
      '/me',
      '/tenants?search=tenant',
      '/me',
      '/me',
      '/tenants',
      '/me',
      '/me',
      '/jobs?limit=5',
    ];
    const order: Order = {
      urls: urls.map((path) => base + path),
      token: stack.bearer('owner'),
      count: REQUESTS / BLOCKS,
    };
    const readings: number[] = [];
    const began = performance.now();
    for (let block = 0; block < BLOCKS; block += 1) {
      client.send(order);
      const [answer] = (await once(client, 'message')) as [string];
      if (answer !== 'done') throw new Error(answer);
      readings.push(residentMb(pid));
    }
    const seconds = (performance.now() - began) / 1000;
    await sleep(SETTLE_MS);
    return sectionOf({ idle, readings, after: residentMb(pid), seconds, held: await heldBy(stack.url()) });
  } finally {
    client.disconnect();
    await stack.stop();
  }
}

interface Taken {
  readonly idle: number;
  readonly readings: readonly number[];
  readonly after: number;
  readonly seconds: number;
  readonly held: string;
}

/** What V8 says of itself, over the backend's own metrics. */
async function heldBy(url: string): Promise<string> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const mb = (metric: string): string => {
    const line = text.split('\n').find((one) => one.startsWith(`cp_nodejs_${metric} `));
    return `${digits(Number(line?.split(' ')[1]) / 1e6)} MB`;
  };
  const space = (name: string): string => mb(`heap_space_size_total_bytes{space="${name}"}`);
  return (
    `${space('new')} young and ${space('old')} old generation (${mb('heap_size_used_bytes')} of the heap in use), ` +
    `${mb('external_memory_bytes')} outside the heap, the rest code and the allocator`
  );
}

function sectionOf({ idle, readings, after, seconds, held }: Taken): Section {
  const quarter = BLOCKS / 4;
  const [second, last] = [median(readings.slice(quarter, 2 * quarter)), median(readings.slice(-quarter))];
  const peak = Math.max(idle, after, ...readings);
  const growth = last / second;
  const series = readings
    .filter((_, index) => (index + 1) % quarter === 0)
    .map(digits)
    .join(', ');
  return {
    title: 'Memory of the backend',
    how:
      `A real process with 12 tenants on the full platform; reads over keep-alive, eight at once, ${digits(REQUESTS / seconds)} requests/s. ` +
      `Growth compares the median RSS of the last quarter of the requests with that of the second.`,
    figures: [
      {
        name: 'RSS',
        measured: `idle ${digits(idle)} MB; after each quarter ${series} MB; idle again ${digits(after)} MB`,
        beside: '',
        goal: `≤ ${GOAL_MB} MB`,
        met: peak <= GOAL_MB,
        ...(peak <= GOAL_MB
          ? {}
          : {
              why: `at most ${digits(peak)} MB; at the end ${held}`,
            }),
      },
      {
        name: 'growth over the last 50 000 requests',
        measured: `${digits(growth)} ×`,
        beside: '',
        goal: `none (≤ ${GROWTH} ×)`,
        met: growth <= GROWTH,
        ...(growth <= GROWTH ? {} : { why: `from ${digits(second)} MB to ${digits(last)} MB` }),
      },
    ],
  };
}
