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

type Shift = readonly [value: number, what: string];

/** Has every page that is loaded from now on write down what moved without being asked to. */
const watchShifts = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const shifts: Array<[number, string]> = [];
    Object.assign(window, { shifts });
    type Entry = PerformanceEntry & { value: number; sources?: Array<{ node?: Element | null }> };
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries() as Entry[]) {
        shifts.push([value, sources?.map(({ node }) => node?.outerHTML?.slice(0, 80)).join(' | ') ?? '']);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });

const shiftsOf = (page: Page): Promise<readonly Shift[]> =>
  page.evaluate(() => (window as unknown as { shifts: Shift[] }).shifts);

for (const theme of ['dark', 'light'] as const) {
  test(`NFR-08 UI-23 no page jumps while it loads, no page and no drawer has a serious finding of axe, ${theme}`, async ({
    page,
  }) => {
    await watchShifts(page);
    const found: Record<string, string[]> = {};
    const jumped: Record<string, readonly Shift[]> = {};
    for (const one of PAGES) {
      await show(page, one, theme);
      const shifts = await shiftsOf(page);
      if (shifts.reduce((sum, [value]) => sum + value, 0) > MOST_SHIFT) {
        jumped[one.name] = shifts;
      }
      found[one.name] = await seriousFindings(page, 'main');
    }
    const change = await openMigration(page, 'tenant-12', `?theme=${theme}`);
    await expect(change.getByRole('list', { name: 'Checks' })).toBeVisible();
    await expect(applyButton(change)).toBeVisible();
    found['drawer'] = await seriousFindings(page, INNERMOST_DIALOG);
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, []])));
    expect(jumped).toEqual({});
  });
}
