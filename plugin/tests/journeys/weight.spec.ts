/** What a first visit loads of the plugin, beyond the modules that Grafana shares. */
import { gzipSync } from 'node:zlib';
import { expect, test, ROOT } from './journey';

const CHUNKS = '/public/plugins/cloudlysis-control-app/';
const ENTRY_KB = 15;
const FIRST_PAGE_KB = 75;
const CHUNK_KB = 250;

test('a first page weighs at most 75 kB, its entry 15 kB, no chunk more than 250 kB as it is', async ({ page }) => {
  const scripts = new Map<string, Promise<Buffer>>();
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith(CHUNKS) && pathname.endsWith('.js')) {
      scripts.set(pathname.slice(CHUNKS.length), response.body());
    }
  });
  await page.goto(`${ROOT}/overview`);
  await expect(page.getByRole('heading', { name: 'Last changes' })).toBeVisible();
  const loaded = await Promise.all([...scripts].map(async ([name, body]) => ({ name, body: await body })));
  const gzipped = (body: Buffer): number => gzipSync(body, { level: 9 }).length / 1000;
  const entry = loaded.find(({ name }) => name === 'module.js');
  expect(gzipped(entry!.body)).toBeLessThanOrEqual(ENTRY_KB);
  expect(loaded.reduce((sum, { body }) => sum + gzipped(body), 0)).toBeLessThanOrEqual(FIRST_PAGE_KB);
  expect(Math.max(...loaded.map(({ body }) => body.length / 1000))).toBeLessThanOrEqual(CHUNK_KB);
});
