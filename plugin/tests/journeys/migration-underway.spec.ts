/** While a migration runs: it can be cancelled and comes back, it survives the page, and it is only ever one. */
import { drawer, expect, stateOf, test } from './journey';
import { applyButton, expectProof, giveReason, migrate, openMigration } from './migration';

test('SCL-06 UI-22 a running migration is cancelled, what was done is undone, and the source serves again', async ({
  page,
  service,
  world,
}) => {
  const tenant = 'tenant-03';
  const source = await service.shardOf(tenant);
  await world.fault(source, { in_flight: 3 });
  const change = await migrate(page, tenant, 'to be cancelled');
  const running = change.getByRole('list', { name: 'Steps' }).locator('[aria-current="step"]');
  await expect(running).toContainText('Wait until nothing is in flight');

  await change.getByRole('button', { name: 'Cancel job' }).click();
  const cancel = change.getByRole('form', { name: 'Cancel job' });
  await cancel.getByRole('textbox', { name: /^Why cancel/ }).fill('changed my mind');
  await cancel.getByRole('button', { name: 'Cancel job and undo' }).click();

  await expect(stateOf(change)).toHaveText('compensated', { timeout: 60_000 });
  await expect(change.getByRole('list', { name: 'Steps' })).toContainText('undone');
  expect(await service.shardOf(tenant)).toBe(source);
  await expect.poll(() => world.stateOn(source, tenant)).toBe('serving');
});

test('UI-22 NFR-07 a reload keeps the drawer and its values, and a double click on Apply makes one job', async ({
  page,
  service,
}) => {
  const tenant = 'tenant-05';
  const reason = `asked twice at ${Date.now()}`;
  const opened = await openMigration(page, tenant);
  const target = await opened.getByRole('combobox', { name: 'Target shard' }).inputValue();
  await expect(opened.getByRole('list', { name: 'Checks' })).toBeVisible();

  await page.reload();
  const change = drawer(page, `Migrate ${tenant}`);
  await expect(change.getByRole('combobox', { name: 'Target shard' })).toHaveValue(target);
  await giveReason(change, reason);
  await applyButton(change).dblclick();
  await expectProof(change);

  await page.reload();
  await expectProof(drawer(page, `Migrate ${tenant}`));
  expect((await service.jobsOf(tenant)).filter((job) => job.reason === reason)).toHaveLength(1);
});

test('UI-22 closing the drawer does not stop the job: the page keeps it in sight, and a toast tells its end', async ({
  page,
  service,
  world,
}) => {
  const tenant = 'tenant-11';
  const source = await service.shardOf(tenant);
  await world.fault(source, { in_flight: 3 });
  const change = await migrate(page, tenant, 'not watched to its end');
  await change.getByRole('button', { name: 'Close' }).click();
  const asked = page.getByRole('list', { name: 'Changes you asked for' }).getByRole('listitem');
  await expect(asked).toContainText(/running.*Migrate tenant-11/);
  await world.fault(source, { in_flight: 0 });
  await expect(asked).toContainText('succeeded', { timeout: 60_000 });
  await expect(page.getByTestId('data-testid Alert success').filter({ hasText: `Migrate ${tenant}` })).toBeVisible();
  await asked.getByRole('button', { name: /^Dismiss Migrate/ }).click();
  await expect(asked).toHaveCount(0);
});
