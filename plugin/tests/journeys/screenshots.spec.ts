/** The pictures of the documentation, taken from the running system so that they stay true: UPDATE_SCREENSHOTS=1 takes them anew. */
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { drawer, expect, TENANTS, test } from './journey';
import { apply, expectProof, openMigration } from './migration';
import { PAGES, show, type AppPage, type Theme } from './pages';

const FOLDER = resolve(__dirname, '../../../docs/screenshots');
/** What plugin.json shows in Grafana's catalog of plugins. */
const PLUGIN_IMAGES = resolve(__dirname, '../../src/img');
const IN_CATALOG = ['change-proof', 'tenants'];
const MOST_BYTES = 300_000;
const LOOKS = [
  { theme: 'dark', width: 1280, height: 720 },
  { theme: 'light', width: 1920, height: 1080 },
] as const;
const OTHERS = ['change-preflight', 'change-proof', 'job', 'audit-record', 'configuration'];

const fileOf = (name: string, theme: Theme): string => join(FOLDER, `${name}-${theme}.png`);
const all = [...PAGES.map(({ name }) => name), ...OTHERS].flatMap((name) =>
  LOOKS.map(({ theme }) => fileOf(name, theme))
);

async function take(page: Page, name: string, theme: Theme): Promise<void> {
  const path = fileOf(name, theme);
  // No pointer over anything, no caret, and what was animated has ended.
  await page.mouse.move(0, 0);
  writeFileSync(path, await atRest(page));
  expect(statSync(path).size, name).toBeLessThan(MOST_BYTES);
  if (IN_CATALOG.includes(name) && theme === 'dark') {
    copyFileSync(path, join(PLUGIN_IMAGES, `${name}.png`));
  }
}

/** Icons and fonts arrive after the words: the picture is of a page that has stopped changing, or as good as (figures go on). */
async function atRest(page: Page): Promise<Buffer> {
  const look = (): Promise<Buffer> => page.screenshot({ animations: 'disabled', caret: 'hide' });
  let last = await look();
  for (let tries = 0; tries < 10; tries++) {
    await page.waitForTimeout(300);
    const now = await look();
    if (now.equals(last)) {
      break;
    }
    last = now;
  }
  return last;
}

test.describe('screenshots', () => {
  test.beforeEach(({}, { project, skip }) => skip(project.name !== 'grafana-12', 'one host is enough for pictures'));
  test.skip(
    !process.env.UPDATE_SCREENSHOTS && all.every((path) => existsSync(path)),
    'they are there: UPDATE_SCREENSHOTS=1 takes them anew'
  );

  for (const { theme, ...viewport } of LOOKS) {
    test(`every page, ${theme} at ${viewport.width}×${viewport.height}`, async ({ page, service, world }) => {
      test.setTimeout(120_000);
      mkdirSync(FOLDER, { recursive: true });
      await page.setViewportSize(viewport);
      await world.load(60, TENANTS);
      const change = await openMigration(page, 'tenant-12', `?theme=${theme}`);
      await expect(change.getByText(/req\/s/)).toBeVisible();
      await take(page, 'change-preflight', theme);
      await apply(change, 'INC-42: disk latency on this shard');
      await expectProof(change);
      await take(page, 'change-proof', theme);
      await change.getByRole('button', { name: 'Close' }).click();
      await expect(page.getByRole('list', { name: 'Changes you asked for' })).toHaveCount(0);
      const [job] = await service.jobsOf('tenant-12');
      const more: AppPage[] = [{ name: 'job', path: `jobs/${job?.job_id}`, shows: /Plan that was applied/ }];
      for (const one of [...PAGES, ...more]) {
        await show(page, one, theme);
        await take(page, one.name, theme);
      }
      await show(page, { name: 'audit', path: `audit?job_id=${job?.job_id}`, shows: /scale\.migrate/ }, theme);
      await page
        .getByRole('region', { name: 'records' })
        .getByRole('row')
        .filter({ hasText: 'succeeded' })
        .getByRole('button')
        .first()
        .click();
      await expect(drawer(page, '#')).toContainText('Before and after');
      await take(page, 'audit-record', theme);
      await page.goto(`/plugins/cloudlysis-control-app?page=connection&theme=${theme}`);
      await page.getByRole('button', { name: 'Test', exact: true }).click();
      await expect(page.getByText('The service knows you')).toBeVisible();
      await take(page, 'configuration', theme);
    });
  }
});
