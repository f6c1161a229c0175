/** Ten thousand tenants: what is drawn, searched and counted does not grow with them. */
import { expect, test } from './journey';

const MANY = 10_000;
const MOST_ROWS = 80;

test('NFR-09 UI-14 a list of 10 000 scrolls with few rows drawn; search, filter and count are the server’s', async ({
  open,
  page,
  world,
}) => {
  await world.many(MANY);
  await open('tenants');
  await expect(page.getByText('10\u202f000 tenants')).toBeVisible();

  const rows = page.locator('tbody tr[aria-rowindex]');
  const scroller = page.getByRole('region', { name: 'tenants' });
  const lastDrawn = async (): Promise<number> => Number(await rows.last().getAttribute('aria-rowindex'));
  await test.step('scrolling brings page after page', async () => {
    await scroller.hover();
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 4_000);
        return lastDrawn();
      })
      .toBeGreaterThan(500);
    expect(await rows.count()).toBeLessThanOrEqual(MOST_ROWS);
  });

  await test.step('search and filter ask the server', async () => {
    const asked = page.waitForRequest((request) => request.url().includes('search=bench-04242'));
    await page.getByRole('textbox', { name: 'Search by id or name' }).fill('bench-04242');
    await asked;
    await expect(page.getByText('1 tenant', { exact: true })).toBeVisible();
    await expect(rows).toHaveCount(1);
    await page.getByRole('textbox', { name: 'Search by id or name' }).fill('bench-0');
    await page.getByRole('combobox', { name: 'Filter by plan' }).click();
    await page.getByRole('option', { name: 'pro' }).click();
    await expect(page.getByRole('button', { name: 'Remove filter Plan: pro' })).toBeVisible();
    await expect(page.getByText('3\u202f340 tenants')).toBeVisible();
    expect(await rows.count()).toBeLessThanOrEqual(MOST_ROWS);
  });
});
