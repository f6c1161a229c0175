/** Tenants one by one and several at once: made, paused, resumed, archived, restored. */
import type { Locator, Page } from '@playwright/test';
import { drawer, expect, ROOT, stateOf, test } from './journey';
import { apply } from './migration';

const rowOf = (page: Page, tenantId: string): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name: tenantId, exact: true }) });

async function select(page: Page, tenantIds: readonly string[]): Promise<void> {
  for (const id of tenantIds) {
    // Grafana draws the box over the input.
    await page.getByRole('checkbox', { name: `Select ${id}`, exact: true }).setChecked(true, { force: true });
  }
}

test('UI-15 two tenants are paused in one change and resumed in another', async ({ open, page }) => {
  const both = ['tenant-08', 'tenant-09'];
  await open('tenants');
  for (const [verb, after] of [
    ['Pause', 'suspended'],
    ['Resume', 'active'],
  ] as const) {
    await select(page, both);
    const bar = page.getByRole('toolbar', { name: 'Actions for selected tenants' });
    await expect(bar).toContainText('2 selected');
    await bar.getByRole('button', { name: `${verb} …` }).click();
    const change = drawer(page, `${verb} 2 tenants`);
    await expect(change.getByText(/^2 tenants · /)).toBeVisible();
    await apply(change, `maintenance: ${verb}`);
    await expect(stateOf(change)).toHaveText('succeeded', { timeout: 60_000 });
    await change.getByRole('button', { name: 'Close' }).click();
    for (const id of both) {
      await expect(rowOf(page, id)).toContainText(after);
    }
    await bar.getByRole('button', { name: 'Clear selection' }).click();
  }
});

test('UI-16 UI-21 a tenant is created with its plan in sight, archived and restored', async ({
  open,
  page,
  service,
}) => {
  const id = `journey-${Date.now().toString(36)}`;
  await open('tenants');
  await page.getByRole('button', { name: 'New tenant' }).click();
  const create = drawer(page, '(New tenant|Create)');
  await create.getByRole('textbox', { name: /^Tenant id/ }).fill(id);
  await create.getByRole('textbox', { name: /^Name/ }).fill('Journey Ltd');
  await expect(create.getByRole('list', { name: 'Checks' })).toBeVisible();
  await apply(create, 'a new customer');
  await expect(stateOf(create)).toHaveText('succeeded', { timeout: 60_000 });

  for (const [verb, after] of [
    ['Archive', 'archived'],
    ['Restore', 'active'],
  ] as const) {
    await page.goto(`${ROOT}/tenants/${id}`);
    await page.getByRole('button', { name: verb, exact: true }).click();
    const change = drawer(page, `${verb} ${id}`);
    await apply(change, `journey: ${verb}`);
    await expect(stateOf(change)).toHaveText('succeeded', { timeout: 60_000 });
    await expect.poll(async () => (await service.tenant(id)).status.state).toBe(after);
  }
  // Out of the way of whoever counts tenants.
  await page.goto(`${ROOT}/tenants/${id}`);
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await apply(drawer(page, `Archive ${id}`), 'journey: the end');
});

test('UI-16 a row’s menu opens the change for that row', async ({ open, page }) => {
  await open('tenants?search=tenant-08');
  await page.getByRole('button', { name: 'Actions for tenant-08' }).click();
  await page.getByRole('menuitem', { name: /^Pause/ }).click();
  await expect(drawer(page, 'Pause tenant-08')).toBeVisible();
});
