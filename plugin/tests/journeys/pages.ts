/** Every page of the app, and how one knows that it is there as a whole. */
import type { Page } from '@playwright/test';
import { expect, ROOT } from './journey';

export interface AppPage {
  readonly name: string;
  readonly path: string;
  /** Text that is only there once the page's own data is. */
  readonly shows: RegExp;
}

const TENANT = 'tenant-12';

export const PAGES: readonly AppPage[] = [
  { name: 'overview', path: 'overview', shows: /Last changes/ },
  { name: 'tenants', path: 'tenants', shows: /tenant-12/ },
  { name: 'tenant-overview', path: `tenants/${TENANT}`, shows: /Assignments/ },
  { name: 'tenant-placement', path: `tenants/${TENANT}/placement`, shows: /Revision/ },
  { name: 'tenant-health', path: `tenants/${TENANT}/health`, shows: /a[12] · aggregate/ },
  { name: 'tenant-activity', path: `tenants/${TENANT}/activity`, shows: /tenants\.create/ },
  { name: 'placement-shards', path: 'placement', shows: /zone=a/ },
  { name: 'placement-tenants', path: 'placement/tenants', shows: /tenant-01/ },
  { name: 'placement-drift', path: 'placement/drift', shows: /placements drift/ },
  { name: 'notes', path: 'notes', shows: /Not before Monday|No notes yet/ },
  { name: 'jobs', path: 'jobs', shows: /scale\.migrate|Nothing was changed yet/ },
  { name: 'audit', path: 'audit', shows: /audit\.read|tenants\.create/ },
  { name: 'settings', path: 'settings', shows: /MongoDB/ },
];

export type Theme = 'dark' | 'light';

/** A full load in a theme; the user's preference stays as it is. */
export async function show(page: Page, { path, shows }: AppPage, theme: Theme): Promise<void> {
  const [address, query] = path.split('?');
  await page.goto(`${ROOT}/${address}?${new URLSearchParams(query).toString()}&theme=${theme}`.replace('?&', '?'));
  await expect(page.locator('main')).toContainText(shows);
  await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
}
