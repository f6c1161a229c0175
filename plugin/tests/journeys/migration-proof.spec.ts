/** The main job by hand: from the list of tenants, under load, to the proof, its record and the way back. */
import type { Locator } from '@playwright/test';
import { drawer, expect, stateOf, TENANTS, test } from './journey';
import { applyButton, chooseTarget, expectProof, fact, giveReason } from './migration';

const TENANT = 'tenant-01';
const PER_SECOND = 200;

/** The line of the diff that says where the tenant would live. */
const moved = (change: Locator, from: string, to: string): Locator =>
  change.getByRole('listitem').filter({ hasText: `shard_id ${from} → ${to}` });

test('GEN-08 MIS-04 UI-19 UI-21 SCL-05 a tenant under load is migrated from its list to the proof, and the load agrees', async ({
  open,
  page,
  service,
  world,
}) => {
  const source = await service.shardOf(TENANT);
  const target = source === 'a1' ? 'a2' : 'a1';
  await world.load(PER_SECOND, TENANTS);

  await open('tenants');
  await page.getByRole('textbox', { name: 'Search by id or name' }).fill(TENANT);
  await expect(page.getByText('1 tenant', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: TENANT, exact: true }).click();
  await page.getByRole('button', { name: 'Migrate', exact: true }).click();

  const change = await chooseTarget(page, TENANT);
  await test.step('the plan: measured checks, who would feel it, steps, diff', async () => {
    const checks = change.getByRole('list', { name: 'Checks' });
    await expect(checks.getByRole('listitem').filter({ hasText: /in flight \d+/ })).toBeVisible();
    await expect(checks.getByRole('listitem').filter({ hasText: /consumer lag \d/ })).not.toHaveCount(0);
    await expect(change.getByText(/^1 tenant · \d[\d.\u202f]* req\/s · \d+ in flight/)).toBeVisible();
    await expect(moved(change, source, target)).toBeVisible();
    await expect(change.getByText(/Wait until nothing is in flight/)).toBeVisible();
    await expect(applyButton(change)).toBeDisabled();
    await expect(change.getByText('Give the reason first')).toBeVisible();
  });

  await giveReason(change, 'INC-42: disk latency');
  await applyButton(change).click();
  await expect(change.getByRole('list', { name: 'Steps' }).getByRole('listitem')).not.toHaveCount(0);

  const proof = await expectProof(change);
  await expect(fact(proof, 'lost')).toHaveText('0');
  await expect(fact(proof, 'duplicated')).toHaveText('0');
  await expect(fact(proof, 'commands')).toHaveText(/[1-9]/);
  expect(await service.shardOf(TENANT)).toBe(target);
  const load = await world.counted();
  expect(load).toMatchObject({ lost: 0, duplicated: 0, gaps: 0 });
  expect(load.acknowledged).toBeGreaterThan(PER_SECOND);

  await test.step('the record is one link away, and so is the way back', async () => {
    const address = page.url();
    await change.getByRole('link', { name: 'Audit records' }).click();
    await expect(page.getByRole('heading', { name: 'Audit log', level: 1 })).toBeVisible();
    await expect(page.getByRole('button', { name: /^Remove filter Job: job_/ })).toBeVisible();
    await expect(page.getByRole('region', { name: 'records' })).toContainText('scale.migrate');
    await page.goto(address);
    await drawer(page).getByRole('button', { name: 'Undo' }).click();
    const back = drawer(page, `Migrate ${TENANT} .* ${source}`);
    await expect(back.getByRole('combobox', { name: 'Target shard' })).toHaveValue(source);
    await expect(moved(back, target, source)).toBeVisible();
    await expect(stateOf(back)).toHaveCount(0);
  });
});
