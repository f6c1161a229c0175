/** The address is the state: a link shows what its sender saw, and tenant and time travel along. */
import { drawer, expect, ROOT, test } from './journey';

test('MIS-07 UI-14 filters, sort, tab and record are in the address, survive a reload, and back undoes them', async ({
  open,
  page,
}) => {
  await open('tenants');
  await page.getByRole('combobox', { name: 'Filter by shard' }).click();
  await page.getByRole('option', { name: /^a1/ }).click();
  await page.getByRole('columnheader', { name: 'Updated' }).getByRole('button').click();
  await expect(page).toHaveURL(/shard_id=a1.*sort=updated_at|sort=updated_at.*shard_id=a1/);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Remove filter Shard: a1' })).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Updated' })).toHaveAttribute('aria-sort', 'ascending');

  await open('tenants/tenant-11');
  await page.getByRole('tab', { name: 'Health' }).click();
  await expect(page).toHaveURL(/tenants\/tenant-11\/health/);
  await page.reload();
  await expect(page.getByRole('tab', { name: 'Health' })).toHaveAttribute('aria-selected', 'true');
  await page.goBack();
  await expect(page.getByRole('tab', { name: 'Overview' })).toHaveAttribute('aria-selected', 'true');

  await open('audit?action=tenants.create');
  await page.getByRole('button', { name: 'tenant.seeded' }).first().click();
  const record = drawer(page, '#');
  await expect(record).toBeVisible();
  await page.reload();
  await expect(record).toBeVisible();
  await page.goBack();
  await expect(record).toHaveCount(0);
  await expect(page).toHaveURL(/action=tenants\.create/);
});

test('MIS-07 tenant and time range travel through links, tabs and the navigation of a page', async ({ open, page }) => {
  const carried = /(?=.*var-tenant_id=tenant-11)(?=.*from=now-6h)(?=.*to=now(&|$))/;
  await open('tenants/tenant-11?var-tenant_id=tenant-11&from=now-6h&to=now');
  await expect(page.getByRole('tab', { name: 'Placement' })).toHaveAttribute('href', carried);
  await page.getByRole('tab', { name: 'Placement' }).click();
  await page
    .getByRole('region', { name: 'Placements' })
    .getByRole('link', { name: /^a[12]$/ })
    .click();
  await expect(page).toHaveURL(new RegExp(`${ROOT}/placement/tenants`));
  await expect(page).toHaveURL(carried);
  await page.getByRole('link', { name: 'tenant-11', exact: true }).first().click();
  await expect(page).toHaveURL(/tenants\/tenant-11\/placement/);
  await expect(page).toHaveURL(carried);
});
