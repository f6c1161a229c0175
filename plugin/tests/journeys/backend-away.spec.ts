/** The control plane goes away: pages say so, keep what they know, and come back by themselves. */
import { expect, ROOT, stateOf, test } from './journey';
import { expectProof, migrate } from './migration';

const AWAY = 'The control plane does not answer';

test('NFR-07 NFR-08 the backend is killed in the middle of a migration: the drawer says so, recovers, and there is one job', async ({
  page,
  service,
  world,
}) => {
  const tenant = 'tenant-04';
  const reason = `through a crash at ${Date.now()}`;
  const source = await service.shardOf(tenant);
  await world.fault(source, { in_flight: 3 });
  const change = await migrate(page, tenant, reason);
  await expect(change.getByRole('list', { name: 'Steps' }).locator('[aria-current="step"]')).toBeVisible();

  await world.backend('kill');
  await expect(change.getByText('asking every second')).toBeVisible();
  await expect(change.getByText(AWAY)).toBeVisible();
  // What was read before stays in sight.
  await expect(change.getByRole('list', { name: 'Steps' })).toBeVisible();

  await world.backend('start');
  await world.fault(source, { in_flight: 0 });
  await expectProof(change, 40_000);
  await expect(change.getByText(AWAY)).toHaveCount(0);
  expect((await service.jobsOf(tenant)).filter((job) => job.reason === reason)).toHaveLength(1);
});

test('NFR-08 without the backend each page says so in its place, and fills itself when it is back', async ({
  open,
  page,
  world,
}) => {
  await open('overview');
  await expect(page.getByRole('link', { name: /^Gateway/ })).toBeVisible();
  await world.backend('stop');

  await test.step('a page that was open keeps what it showed, and says that it is old', async () => {
    // Whoever comes back to the tab has it asked at once.
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
    await expect(page.getByRole('alert').filter({ hasText: AWAY })).toContainText('What you see was read');
    await expect(page.getByRole('link', { name: /^Gateway/ })).toBeVisible();
  });

  await test.step('a page that is opened now says why it is empty', async () => {
    const said = page.locator('main').getByText(AWAY, { exact: true });
    for (const name of ['Tenants', 'Placement', 'Jobs', 'Audit log', 'Settings']) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      await expect(page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
      await expect(said.first(), name).toBeVisible();
    }
    await open('settings');
    await expect(said.first()).toBeVisible();
  });

  await world.backend('start');
  await expect(page.getByRole('region', { name: 'Connections' }).first()).toContainText('MongoDB', { timeout: 60_000 });
  await expect(page.getByText(AWAY)).toHaveCount(0);
  expect(page.url()).toContain(`${ROOT}/settings`);
  await expect(stateOf(page.locator('main'))).toHaveCount(0);
});
