/** When a move is not safe, or not one's turn: the page says so with what was measured, and offers no way around it. */
import { drawer, expect, stateOf, test } from './journey';
import { apply, applyButton, giveReason, openMigration } from './migration';

const IN_FLIGHT = 150;

test('SCL-08 UI-21 a migration with too much in flight shows what was measured, and Apply says why it is closed', async ({
  page,
  service,
  world,
}) => {
  const tenant = 'tenant-02';
  await world.fault(await service.shardOf(tenant), { in_flight: IN_FLIGHT });
  const change = await openMigration(page, tenant);
  const reason = new RegExp(`in flight ${IN_FLIGHT}\\b`);
  await expect(change.getByRole('alert', { name: 'Blocked' })).toContainText(reason);
  await giveReason(change, 'although it is blocked');
  await expect(applyButton(change)).toBeDisabled();
  await expect(change.getByRole('status').filter({ hasText: reason })).toBeVisible();
});

test('SCL-09 UI-21 a limit of the operator’s own blocks too', async ({ page, service, world }) => {
  const tenant = 'tenant-02';
  await world.fault(await service.shardOf(tenant), { in_flight: 3 });
  const change = await openMigration(page, tenant);
  await expect(change.getByRole('list', { name: 'Checks' })).toBeVisible();
  await change.getByRole('spinbutton', { name: /^In-flight limit/ }).fill('0');
  await expect(change.getByText('Blocked', { exact: true })).toBeVisible();
  await expect(change.getByText(/in flight 3 > 0/).first()).toBeVisible();
  await expect(applyButton(change)).toBeDisabled();
});

test('NFR-07 UI-22 two operators on one tenant: the second is refused, is told by what, and finds the way to it', async ({
  page,
  service,
  world,
  as,
}) => {
  const tenant = 'tenant-06';
  const source = await service.shardOf(tenant);
  const other = await as('editor');
  const [first, second] = await Promise.all([openMigration(page, tenant), openMigration(other, tenant)]);
  await giveReason(second, 'the second of two');
  await expect(applyButton(second)).toBeEnabled();
  // What never comes to rest keeps the first one at work.
  await world.fault(source, { in_flight: 3 });
  await apply(first, 'the first of two');
  const [job] = await service.jobsOf(tenant);
  await applyButton(second).click({ force: true });
  await expect(second).toContainText(new RegExp(`${job?.job_id}|works on tenant|tenant:${tenant}`));
  await expect(stateOf(second)).toHaveCount(0);

  await test.step('the running change is on the tenant’s page', async () => {
    await second.getByRole('button', { name: 'Cancel', exact: true }).click();
    await expect(drawer(other)).toHaveCount(0);
    await other.getByRole('tab', { name: 'Placement' }).click();
    await other.getByRole('region', { name: 'Moves', exact: true }).first().getByRole('link').first().click();
    await expect(stateOf(other.locator('main'))).toHaveText('running');
  });
  await world.calm();
  await expect(stateOf(first)).toHaveText('succeeded', { timeout: 60_000 });
  expect((await service.jobsOf(tenant)).filter(({ reason }) => reason === 'the second of two')).toEqual([]);
});
