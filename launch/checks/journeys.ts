// Runs the plugin's browser journeys (plugin/tests/journeys) with Playwright, and counts them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from './browser.ts';
import { countTests, playwrightCount, type Check, type Count } from './checks.ts';
import { ensureInstalled } from '../packages/package-roots.ts';
import { ensurePluginBuilt, pluginFolder } from '../plugin/plugin-build.ts';

export const hasJourneys = (): boolean => existsSync(join(pluginFolder, 'tests', 'journeys'));

/**
 * Installs and builds what they need first. `args` are Playwright's: a file, --grep, …; where GRAFANA_URL is not set,
 * its configuration starts a platform and both hosts of the workbench for them. What keeps them from running is told
 * and is one failure.
 */
export async function runJourneys(args: readonly string[]): Promise<Count> {
  try {
    await ensureInstalled(['plugin', 'workbench/grafana-12', 'workbench/grafana-13']);
    await ensurePluginBuilt();
    const browser = await chromium();
    return await countTests((file) => playwright(args, browser, file), playwrightCount);
  } catch (error) {
    process.stderr.write(`✗ browser journeys: ${(error as Error).message}\n`);
    return { passed: 0, failed: 1, skipped: 0, failures: ['browser journeys: cannot run'] };
  }
}

function playwright(args: readonly string[], browser: string, file: string): Check {
  const cli = join(pluginFolder, 'node_modules', '@playwright', 'test', 'cli.js');
  return {
    name: 'browser journeys (playwright)',
    args: [cli, 'test', '--reporter=list,json', ...args],
    cwd: pluginFolder,
    env: { CHROMIUM_PATH: browser, PLAYWRIGHT_JSON_OUTPUT_FILE: file },
  };
}
