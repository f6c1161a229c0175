/**
 * The browser journeys: the same ones on both hosts of the workbench, or on a Grafana that is named.
 *
 * GRAFANA_URL names what runs already; without it the whole system is started for the journeys. What needs a hand on
 * that system (load, faults, a dead backend) is skipped where none is given by JOURNEY_CONTROL_URL.
 */
import type { PluginOptions } from '@grafana/plugin-e2e';
import { defineConfig, type Project } from '@playwright/test';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const given = process.env.GRAFANA_URL?.replace(/\/+$/, '');

/** Where the set-up puts the addresses of what it started: the workers read this file anew. */
const hosts: Array<[string, string | undefined]> = given
  ? [['grafana', given]]
  : [
      ['grafana-12', process.env.JOURNEY_GRAFANA_12],
      ['grafana-13', process.env.JOURNEY_GRAFANA_13],
    ];

const ADMIN = {
  user: process.env.GRAFANA_ADMIN_USER ?? 'admin',
  password: process.env.GRAFANA_ADMIN_PASSWORD ?? 'admin',
};
const USERS = {
  admin: ADMIN,
  editor: { user: 'editor', password: 'editor', role: 'Editor' as const },
  viewer: { user: 'viewer', password: 'viewer', role: 'Viewer' as const },
};

type JourneyProject = Project<PluginOptions>;

/** Hosts share their users and sessions, so one sign-in a role is enough. */
const signIns = Object.entries(USERS).map(([role, user]): JourneyProject => ({
  name: `sign-in-${role}`,
  testDir: `${dirname(require.resolve('@grafana/plugin-e2e'))}/auth`,
  testMatch: [/.*\.js/],
  use: { user, baseURL: hosts[0]?.[1] },
  // The first one made the others' accounts possible.
  dependencies: role === 'admin' ? [] : ['sign-in-admin'],
}));

/**
 * Journeys in which the host itself takes part run on both; of the others `JOURNEY_SPLIT` (a number; `npm test` draws and
 * prints it) gives every second one to each host, and the next number the other way round. Without it both run all.
 */
const ON_BOTH = ['looks', 'keyboard', 'migration-proof', 'viewer'];
const split = process.env.JOURNEY_SPLIT;
const divided = readdirSync(`${__dirname}/tests/journeys`)
  .filter((file) => file.endsWith('.spec.ts') && !ON_BOTH.includes(file.replace('.spec.ts', '')))
  .sort();
const elsewhere = (host: number): string[] =>
  split === undefined || given ? [] : divided.filter((_, index) => (index + Number(split)) % 2 !== host);

const journeys = hosts.flatMap(([name, baseURL], host): JourneyProject[] => [
  {
    name,
    testIgnore: ['**/viewer.spec.ts', ...elsewhere(host).map((file) => `**/${file}`)],
    use: { baseURL, user: USERS.admin, storageState: `playwright/.auth/${USERS.admin.user}.json` },
    dependencies: Object.keys(USERS).map((role) => `sign-in-${role}`),
  },
  {
    name: `${name}-viewer`,
    testMatch: /viewer\.spec\.ts/,
    use: { baseURL, user: USERS.viewer, storageState: 'playwright/.auth/viewer.json' },
    dependencies: ['sign-in-viewer'],
  },
]);

export default defineConfig<PluginOptions>({
  testDir: './tests/journeys',
  globalSetup: given ? undefined : './tests/journeys/start-world.ts',
  // One browser at a time: the system behind it runs on the same machine.
  workers: 1,
  retries: 0,
  // For what hangs: the system behind the pages is not the only one that runs on the machine.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: !!process.env.CI,
  reporter: 'list',
  outputDir: './test-results',
  use: {
    viewport: { width: 1280, height: 720 },
    actionTimeout: 15_000,
    // Recording takes a third of the machine; a failed journey leaves its picture and its page as text in any case.
    trace: process.env.JOURNEY_TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    grafanaAPICredentials: ADMIN,
    launchOptions: { executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium', args: FLAGS },
  },
  projects: [...signIns, ...journeys],
});
