/** A Viewer sees everything, can change nothing, and is told which permission is missing. */
import { expect, test } from './journey';

const PAGES: ReadonlyArray<readonly [path: string, shows: RegExp]> = [
  ['overview', /Gateway/],
  ['tenants', /tenant-01/],
  ['tenants/tenant-01/placement', /aggregate/],
  ['tenants/tenant-01/health', /a[12] · aggregate/],
  ['placement', /Aggregate/],
  ['jobs', /\d jobs?|Nothing was changed yet/],
  ['settings', /MongoDB/],
];

test('UI-19 NFR-08 a Viewer sees the pages; each action is there, closed, and says which permission is missing', async ({
  open,
  page,
}) => {
  for (const [path, shows] of PAGES) {
    await open(path);
    await expect(page.locator('main'), path).toContainText(shows);
  }
  await open('tenants/tenant-01');
  for (const name of ['Edit', 'Archive', 'Pause', 'Migrate']) {
    const action = page.getByRole('button', { name, exact: true });
    await expect(action).toBeDisabled();
    await action.hover({ force: true });
    await expect(page.getByRole('tooltip')).toContainText(/permission|tenants\.|scale\./);
  }
  await open('tenants');
  await expect(page.getByRole('button', { name: 'New tenant' })).toBeDisabled();
  await page.getByRole('button', { name: 'Actions for tenant-01' }).click();
  const migrate = page.getByRole('menuitem', { name: /^Migrate/ });
  await expect(migrate).toBeDisabled();
  await expect(migrate).toContainText('scale.migrate');
});

test('UI-21 what a Viewer posts past the page is refused by the proxy', async ({ open, page, service }) => {
  await open('tenants');
  await expect(page.getByRole('link', { name: 'tenant-01', exact: true })).toBeVisible();
  const body = { tenant_id: 'tenant-01', kind: 'aggregate', to: 'a2', reason: 'past the page' };
  const answers = await Promise.all([
    service.post('/scale/migrate', body, { 'idempotency-key': crypto.randomUUID() }),
    service.post('/scale/migrate/preflight', body),
  ]);
  expect(answers.map((answer) => answer.status())).toEqual([403, 403]);
});
