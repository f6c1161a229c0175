/** The steps of a migration by hand, as the journeys that need one on the way do them. */
import type { Locator, Page } from '@playwright/test';
import { drawer, expect, ROOT, stateOf } from './journey';

/** Opens the drawer on the tenant's page and chooses the first target that is offered. */
export async function openMigration(page: Page, tenantId: string, query = ''): Promise<Locator> {
  await page.goto(`${ROOT}/tenants/${tenantId}${query}`);
  await page.getByRole('button', { name: 'Migrate', exact: true }).click();
  return chooseTarget(page, tenantId);
}

export async function chooseTarget(page: Page, tenantId: string): Promise<Locator> {
  const change = drawer(page, `Migrate ${tenantId}`);
  await change.getByRole('combobox', { name: 'Target shard' }).click();
  await page.getByRole('option').first().click();
  return change;
}

export const giveReason = (change: Locator, reason: string): Promise<void> =>
  change.getByRole('textbox', { name: /^Reason/ }).fill(reason);

export const applyButton = (change: Locator): Locator => change.getByRole('button', { name: /^Apply/ });

/** Reason and Apply, as soon as the plan allows it. */
export async function apply(change: Locator, reason: string): Promise<void> {
  await giveReason(change, reason);
  await applyButton(change).click();
  await expect(stateOf(change)).toBeVisible();
}

/** From the tenant's page until the job is there. */
export async function migrate(page: Page, tenantId: string, reason: string): Promise<Locator> {
  const change = await openMigration(page, tenantId);
  await apply(change, reason);
  return change;
}

export async function expectProof(change: Locator, timeout = 20_000): Promise<Locator> {
  await expect(stateOf(change)).toHaveText('succeeded', { timeout });
  const proof = change.getByRole('region', { name: 'Proof' });
  await expect(proof).toBeVisible();
  return proof;
}

/** A fact of the proof, by its name. */
export const fact = (proof: Locator, name: string): Locator =>
  proof.locator('dt', { hasText: new RegExp(`^${name}$`) }).locator('xpath=following-sibling::dd[1]');
