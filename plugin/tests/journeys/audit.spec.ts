/** The audit log: what was just done is found, read in full, verified and taken along. */
import { readFile } from 'node:fs/promises';
import { drawer, expect, stateOf, test } from './journey';
import { apply } from './migration';

const TENANT = 'tenant-07';

test('UI-11 UI-45 API-04 what was just done is found by its job and its tenant, shown before and after, verified and exported', async ({
  open,
  page,
  service,
}) => {
  const { metadata } = await service.read<{ metadata: { plan: string } }>(`/tenants/${TENANT}`);
  const [from, to] = metadata.plan === 'pro' ? ['pro', 'free'] : ['free', 'pro'];
  const reason = `another plan at ${Date.now()}`;
  await open(`tenants/${TENANT}`);
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  const change = drawer(page, `Edit ${TENANT}`);
  await change.getByRole('combobox', { name: /^Plan/ }).click();
  await page.getByRole('option', { name: to }).click();
  await apply(change, reason);
  await expect(stateOf(change)).toHaveText('succeeded');

  await test.step('found by its job', async () => {
    await change.getByRole('link', { name: 'Audit records' }).click();
    const records = page.getByRole('region', { name: 'records' });
    await expect(records.getByRole('row').filter({ hasText: reason }).first()).toBeVisible();
    await records.getByRole('row').filter({ hasText: 'succeeded' }).getByRole('button').first().click();
    const record = drawer(page, '#');
    await expect(record.locator('pre').first()).toContainText(new RegExp(`plan": "${from}"`));
    await expect(record.locator('pre').last()).toContainText(new RegExp(`plan": "${to}"`));
    expect(page.url()).toContain('record=aud_');
    await record.getByRole('button', { name: 'Close' }).click();
    await expect(record).toHaveCount(0);
  });

  await test.step('found by its tenant', async () => {
    await page.getByRole('button', { name: /^Remove filter Job/ }).click();
    await page.getByRole('combobox', { name: 'Filter by tenant' }).fill(TENANT);
    await page.getByRole('option').first().click();
    await expect(page.getByRole('button', { name: `Remove filter Tenant: ${TENANT}` })).toBeVisible();
    await expect(
      page.getByRole('region', { name: 'records' }).getByRole('row').filter({ hasText: reason }).first()
    ).toBeVisible();
  });

  await test.step('the chain holds', async () => {
    await page.getByRole('button', { name: 'Verify chain' }).click();
    const verdict = page.getByRole('dialog').filter({ hasText: 'Hash chain' });
    await expect(verdict).toContainText(/All \d[\d\u202f]* records hold/);
    await page.keyboard.press('Escape');
  });

  await test.step('the export is what the page shows', async () => {
    await page.getByRole('button', { name: 'Export' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menu').getByText('JSON Lines').click();
    const file = await (await download).path();
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as { tenant_id: string; reason: string | null });
    expect(records.some((record) => record.reason === reason)).toBe(true);
    expect(records.every((record) => record.tenant_id === TENANT)).toBe(true);
  });
});
