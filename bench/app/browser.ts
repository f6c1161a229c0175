// A real browser before the app on one host of the workbench, with the whole system behind it.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { chromium as launcher, type Browser, type Page } from 'playwright-core';
import { chromium } from '../../launch/checks/browser.ts';
import { root } from '../../launch/machine/programs.ts';

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const ROOT = '/a/cloudlysis-control-app';
const CHUNKS = '/public/plugins/cloudlysis-control-app/';

export class App {
  readonly page: Page;
  readonly url: string;
  readonly #browser: Browser;
  readonly #control: string;

  constructor(browser: Browser, page: Page, url: string, control: string) {
    this.#browser = browser;
    this.page = page;
    this.url = url;
    this.#control = control;
  }

  /** A verb of the journeys' world, such as `many`. */
  async world(verb: string, body: object): Promise<void> {
    const answer = await fetch(`${this.#control}/${verb}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${verb}: ${await answer.text()}`);
  }

  async open(path: string): Promise<void> {
    await this.page.goto(`${this.url}${ROOT}/${path}`);
    await this.page.waitForFunction(PAINTED);
  }

  /** Names of the plugin's scripts that a page loads when nothing is cached. */
  async scriptsOf(path: string): Promise<string[]> {
    const context = await this.#browser.newContext({ storageState: await this.page.context().storageState() });
    await context.addInitScript({ path: IN_PAGE });
    const page = await context.newPage();
    const names = new Set<string>();
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.startsWith(CHUNKS) && pathname.endsWith('.js')) names.add(pathname.slice(CHUNKS.length));
    });
    await page.goto(`${this.url}${ROOT}/${path}`);
    await page.waitForFunction(PAINTED);
    await context.close();
    return [...names];
  }
}

const IN_PAGE = join(import.meta.dirname, 'in-page.js');
export const PAINTED = 'bench.painted()';

interface Told {
  readonly control: string;
  readonly hosts: Readonly<Record<'12' | '13', string>>;
}

export async function withApp<T>(host: '12' | '13', work: (app: App) => Promise<T>): Promise<T> {
  const world = fork(join(root, 'plugin', 'testing', 'journeys', 'start.ts'), {
    stdio: ['ignore', 'ignore', 2, 'ipc'],
  });
  try {
    const [told] = (await once(world, 'message')) as [Told];
    const browser = await launcher.launch({ executablePath: await chromium(), args: FLAGS.split(' ') });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
      await page.addInitScript({ path: IN_PAGE });
      const url = told.hosts[host];
      await page.request.post(`${url}/login`, { data: { user: 'admin', password: 'admin' } });
      return await work(new App(browser, page, url, told.control));
    } finally {
      await browser.close();
    }
  } finally {
    await ended(world);
  }
}

async function ended(world: ChildProcess): Promise<void> {
  if (world.exitCode !== null || world.signalCode !== null) return;
  const gone = once(world, 'exit');
  world.kill('SIGTERM');
  await gone;
}
