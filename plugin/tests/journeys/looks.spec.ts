/** Every page for everybody: no serious finding of axe in dark and light, and nothing that jumps while it loads. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './journey';
import { applyButton, openMigration } from './migration';
import { PAGES, show } from './pages';

const MOST_SHIFT = 0.02;
/** Grafana 12 wraps its drawer into a second dialog that has no name. */
const INNERMOST_DIALOG = '[role="dialog"]:not(:has([role="dialog"]))';

/** Of what is the plugin's: Grafana's own frame is not ours to mend. */
async function seriousFindings(page: Page, inside: string): Promise<string[]> {
  // A button that just became usable is half as grey as it was for the blink of an eye.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .flatMap(({ finished, effect }) => (Number.isFinite(effect?.getComputedTiming().endTime) ? [finished] : []))
    )
  );
  // Without frames there is nothing that the slower way, a page of its own for each result, would find.
  const { violations } = await new AxeBuilder({ page }).include(inside).setLegacyMode().analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id} at ${String(target)}: ${html.slice(0, 160)}`));
}

for (const theme of ['dark', 'light'] as const) {
  test(`NFR-08 UI-23 no page and no drawer has a serious finding of axe, ${theme}`, async ({ page }) => {
    const found: Record<string, string[]> = {};
    for (const one of PAGES) {
      await show(page, one, theme);
      found[one.name] = await seriousFindings(page, 'main');
    }
    const change = await openMigration(page, 'tenant-12', `?theme=${theme}`);
    await expect(change.getByRole('list', { name: 'Checks' })).toBeVisible();
    await expect(applyButton(change)).toBeVisible();
    found['drawer'] = await seriousFindings(page, INNERMOST_DIALOG);
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, []])));
  });
}

test('UI-23 NFR-08 nothing jumps while a page loads', async ({ page }) => {
  await page.addInitScript(() => {
    const shifts: Array<[number, string]> = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as Array<
        PerformanceEntry & { value: number; sources?: Array<{ node?: Node }> }
      >) {
        const moved = entry.sources
          ?.map(({ node }) => (node as Element | undefined)?.outerHTML?.slice(0, 80))
          .join(' | ');
        shifts.push([entry.value, moved ?? '']);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const jumped: Record<string, unknown> = {};
  for (const one of PAGES) {
    await show(page, one, 'dark');
    const shifts = await page.evaluate(() => (window as unknown as { shifts: Array<[number, string]> }).shifts);
    const sum = shifts.reduce((all, [value]) => all + value, 0);
    if (sum > MOST_SHIFT) {
      jumped[one.name] = { sum, shifts };
    }
  }
  expect(jumped).toEqual({});
});
