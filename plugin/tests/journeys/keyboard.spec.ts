/** The main job without a mouse. */
import type { Locator, Page } from '@playwright/test';
import { drawer, expect, test } from './journey';
import { expectProof } from './migration';

const TENANT = 'tenant-10';
const MOST_STEPS = 80;

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let step = 0; step < MOST_STEPS; step++) {
    await page.keyboard.press('Tab');
    if (await target.evaluate((element) => element === document.activeElement)) {
      return;
    }
  }
  throw new Error(`not reached with ${MOST_STEPS} Tabs: ${String(target)}`);
}

test('NFR-08 UI-19 UI-21 a tenant is migrated by keyboard alone, and the focus comes back to where it was', async ({
  open,
  page,
}) => {
  await open('tenants');
  await tabTo(page, page.getByRole('textbox', { name: 'Search by id or name' }));
  await page.keyboard.type(TENANT);
  await expect(page.getByText('1 tenant', { exact: true })).toBeVisible();
  await tabTo(page, page.getByRole('link', { name: TENANT, exact: true }));
  await page.keyboard.press('Enter');

  const migrate = page.getByRole('button', { name: 'Migrate', exact: true });
  await tabTo(page, migrate);
  await page.keyboard.press('Enter');
  const change = drawer(page, `Migrate ${TENANT}`);
  const target = change.getByRole('combobox', { name: 'Target shard' });
  await tabTo(page, target);
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('option').first()).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(target).not.toHaveValue('');

  await tabTo(page, change.getByRole('textbox', { name: /^Reason/ }));
  await page.keyboard.type('by keyboard alone');
  const apply = change.getByRole('button', { name: /^Apply plan/ });
  await expect(apply).toBeEnabled();
  await tabTo(page, apply);
  await page.keyboard.press('Enter');
  await expectProof(change);

  await page.keyboard.press('Escape');
  await expect(change).toHaveCount(0);
  await expect(migrate).toBeFocused();
});
