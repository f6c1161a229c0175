// How quick the pages are in a real browser: navigation, full load, typing, and scrolling through 10 000 rows.
import type { Page } from 'playwright-core';
import { ensureInstalled } from '../../launch/packages/package-roots.ts';
import { ensurePluginBuilt } from '../../launch/plugin/plugin-build.ts';
import { PAINTED, withApp, type App } from './browser.ts';
import type { Figure, Section } from '../figure.ts';
import { digits, inPairs, median, spread, told } from '../spread.ts';

const NAVIGATION_MS = 150;
const LOAD_RATIO = 1.2;
const INP_MS = 50;
const FPS = 58;
const ROWS = 80;
const TENANTS = 10_000;
const ROUNDS = 10;
const ROW_PX = 36;
const SCROLLS = 6;
const SCROLL_S = 2;

interface Scrolled {
  /** Frames per second, one a round. */
  readonly list: number[];
  readonly floor: number[];
  /** The most rows that were drawn at once. */
  readonly rows: number;
}

export async function measure(): Promise<Section> {
  const { signal } = new AbortController();
  await ensurePluginBuilt(signal);
  await ensureInstalled(['workbench/grafana-12', 'workbench/grafana-13'], signal);
  const figures = await withApp('12', async (app) => [
    ...(await navigation(app)),
    await fullLoad(app),
    ...(await longList(app)),
  ]);
  return {
    title: 'The pages in a browser',
    how:
      `Headless Chromium at 1280×720 without a GPU, the workbench with the packages of Grafana 12, the whole system on the same two cores. ` +
      `A page is painted when its first rows or facts are there and no skeleton is left. ${ROUNDS} rounds; the first of each page, which loads its chunk, is told apart.`,
    figures,
  };
}

/** Clicks in the navigation, until the page that was asked for is painted. */
async function navigation(app: App): Promise<Figure[]> {
  await app.open('tenants');
  const pages = ['Jobs', 'Tenants', 'Placement', 'Overview'];
  const [cold, warm]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++)
    for (const name of pages)
      (round === 0 ? cold : warm).push(await app.page.evaluate<number>(`bench.clickThrough('${name}')`));
  const own = spread(warm);
  return [
    {
      name: 'in-app navigation to a painted page',
      measured: told(own, 'ms'),
      beside: `with the page’s chunk still to load: ${told(spread(cold), 'ms')}; a real Grafana 12’s users page 141 ms, a bare scaffold plugin 242 ms, on such a machine`,
      goal: `≤ ${NAVIGATION_MS} ms`,
      met: own.median <= NAVIGATION_MS,
      ...(own.median <= NAVIGATION_MS ? {} : { why: 'see the load average of the machine' }),
    },
  ];
}

/** The address typed anew, with the browser's cache warm, beside the host's own lightest page. */
async function fullLoad(app: App): Promise<Figure> {
  const { page, url } = app;
  const load = async (address: string, ready: string): Promise<number> => {
    const began = performance.now();
    await page.goto(address, { waitUntil: 'commit' });
    await page.waitForFunction(ready);
    return performance.now() - began;
  };
  const host = () => load(`${url}/`, `Boolean(document.querySelector('h1'))`);
  const own = () => load(`${url}/a/cloudlysis-control-app/tenants`, PAINTED);
  await host();
  await own();
  const { a, b, ratio } = await inPairs(ROUNDS, own, host);
  return {
    name: 'full load of the Tenants page',
    measured: told(a, 'ms'),
    beside: `${told(b, 'ms')} for the host’s own lightest page: ${told(ratio, '×')}`,
    goal: `≤ ${LOAD_RATIO} ×`,
    met: ratio.median <= LOAD_RATIO,
    ...(ratio.median <= LOAD_RATIO
      ? {}
      : {
          why: 'the page’s own part is the entry, the page’s chunk and two answers of the service; the host’s page asks nobody',
        }),
  };
}

async function longList(app: App): Promise<Figure[]> {
  await app.world('many', { count: TENANTS });
  await app.open('tenants');
  const typing = await longestOfTyping(app.page);
  await app.open('tenants');
  await app.page.evaluate(`bench.readAll(${TENANTS}, ${ROW_PX})`);
  const scrolled = await app.page.evaluate<Scrolled>(`bench.scroll(${SCROLLS}, ${SCROLL_S})`);
  const { list, floor, rows } = scrolled;
  const share = median(list.map((fps, index) => fps / floor[index]!));
  return [
    {
      name: `typing in the search of ${digits(TENANTS)} tenants, longest interaction`,
      measured: `${digits(typing)} ms`,
      beside: 'Event Timing, which counts in steps of 8 ms',
      goal: `≤ ${INP_MS} ms`,
      met: typing <= INP_MS,
      ...(typing <= INP_MS ? {} : { why: 'see the load average of the machine' }),
    },
    {
      name: `scrolling ${digits(TENANTS)} rows`,
      measured: `${told(spread(list), 'frames/s')}; at most ${rows} rows drawn`,
      beside: `${told(spread(floor), 'frames/s')} for an empty box of the same height: ${digits(share)} ×`,
      goal: `≥ ${FPS} frames/s with ≤ ${ROWS} rows`,
      met: median(list) >= FPS && rows <= ROWS,
      ...(median(list) >= FPS
        ? {}
        : { why: 'without a GPU every frame is drawn by the two cores that run the system as well' }),
    },
  ];
}

/** Key by key, as quick as a person types; the longest time from a key to the next frame. */
async function longestOfTyping(page: Page): Promise<number> {
  await page.evaluate('bench.watchTyping()');
  const search = page.getByRole('textbox', { name: 'Search by id or name' });
  await search.pressSequentially('bench-04242', { delay: 90 });
  await page.waitForFunction(PAINTED);
  await page.waitForTimeout(500);
  return page.evaluate<number>('bench.longestTyping()');
}
