/** What every journey has: pages of one warm browser profile, the service past the pages, other users, and the system behind. */
import { expect, test as base } from '@grafana/plugin-e2e';
import type { Browser, BrowserContext, Locator, Page } from '@playwright/test';
import { Service } from './service';
import { World } from './world';

export const ROOT = '/a/cloudlysis-control-app';

/** All there are; each journey has its own. */
export const TENANTS = Array.from({ length: 12 }, (_, index) => `tenant-${String(index + 1).padStart(2, '0')}`);

export type Role = 'admin' | 'editor' | 'viewer';

interface JourneyFixtures {
  /** Opens a page of the app, by its address below the app's root. */
  open: (path: string, page?: Page) => Promise<Page>;
  /** The service through Grafana's proxy, as the user of the page. */
  service: Service;
  /** The system behind the pages; a journey that asks for it is skipped where none is given. As it was, afterwards. */
  world: World;
  /** A page of another user, in a profile of their own. */
  as: (role: Role) => Promise<Page>;
}

/** One profile a project: the host's scripts are loaded and compiled once and not before every journey. */
export const test = base.extend<JourneyFixtures, { profile: BrowserContext }>({
  profile: [
    async ({ browser }, use, { project }) => {
      const { baseURL, viewport, storageState } = project.use;
      const context = await browser.newContext({ baseURL, viewport, storageState });
      await use(context);
      await context.close();
    },
    { scope: 'worker' },
  ],

  page: async ({ profile }, use) => {
    const page = await profile.newPage();
    await use(page);
    await page.close();
  },

  open: async ({ page }, use) => {
    await use(async (path, on = page) => {
      await on.goto(`${ROOT}/${path}`);
      return on;
    });
  },

  service: async ({ page }, use) => use(new Service(page.request)),

  world: async ({}, use, { skip }) => {
    const url = process.env.JOURNEY_CONTROL_URL;
    skip(url === undefined, 'needs a hand on the system behind the pages: JOURNEY_CONTROL_URL is not set');
    const world = new World(url ?? '');
    await use(world);
    await world.calm();
  },

  as: async ({ browser }, use, { project }) => {
    const contexts: BrowserContext[] = [];
    await use(async (role) => {
      const context = await profileOf(browser, project.use.baseURL, role);
      contexts.push(context);
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

const profileOf = (browser: Browser, baseURL: string | undefined, role: Role): Promise<BrowserContext> =>
  browser.newContext({
    baseURL,
    viewport: { width: 1280, height: 720 },
    storageState: `playwright/.auth/${role}.json`,
  });

export { expect };

/** The open drawer; a name where it has to be that change's. Grafana 12 puts words of its own before the title. */
export const drawer = (page: Page, name = '.'): Locator => page.getByRole('dialog', { name: new RegExp(name) });

export const stateOf = (inside: Locator): Locator => inside.getByRole('status', { name: 'State of the job' });
