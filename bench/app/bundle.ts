// What the plugin weighs: the entry, the largest chunk, and what a first page loads beyond the modules Grafana shares.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensurePluginBuilt, pluginDist } from '../../launch/plugin/plugin-build.ts';
import { withApp } from './browser.ts';
import { growthByOneFeature } from './one-more-feature.ts';
import type { Figure, Section } from '../figure.ts';
import { digits } from '../spread.ts';

const ENTRY_KB = 15;
const FIRST_PAGE_KB = 75;
const FEATURE_KB = 1;
const CHUNK_KB = 250;
const PAGES = ['overview', 'tenants', 'tenants/tenant-01', 'placement', 'jobs', 'audit', 'settings'];

const kb = (bytes: number): number => bytes / 1000;
const gzipped = (file: string): number => gzipSync(readFileSync(join(pluginDist, file)), { level: 9 }).length;

export async function measure(): Promise<Section> {
  await ensurePluginBuilt(new AbortController().signal);
  const scripts = readdirSync(pluginDist).filter((name) => name.endsWith('.js'));
  const sizes = scripts.map((name) => ({ name, size: statSync(join(pluginDist, name)).size }));
  const largest = sizes.reduce((most, one) => (one.size > most.size ? one : most));
  const total = scripts.reduce((sum, name) => sum + gzipped(name), 0);
  const entry = kb(gzipped('module.js'));
  const firstPages = await withApp('12', async (app) => {
    const weights: { page: string; size: number }[] = [];
    for (const page of PAGES) {
      const files = await app.scriptsOf(page);
      weights.push({ page, size: files.reduce((sum, name) => sum + gzipped(name), 0) });
    }
    return weights;
  });
  const heaviest = firstPages.reduce((most, one) => (one.size > most.size ? one : most));
  const growth = growthByOneFeature().map(({ page, bytes }) => ({ page, size: kb(bytes) }));
  const grown = growth.reduce((most, one) => (one.size > most.size ? one : most));
  const figures: Figure[] = [
    {
      name: 'module.js',
      measured: `${digits(entry)} kB gzip`,
      beside: '',
      goal: `≤ ${ENTRY_KB} kB`,
      met: entry <= ENTRY_KB,
    },
    {
      name: `first page, the heaviest of ${PAGES.length} (${heaviest.page})`,
      measured: `${digits(kb(heaviest.size))} kB gzip`,
      beside: firstPages.map(({ page, size }) => `${page} ${digits(kb(size))}`).join(', '),
      goal: `≤ ${FIRST_PAGE_KB} kB beyond Grafana’s shared modules`,
      met: kb(heaviest.size) <= FIRST_PAGE_KB,
    },
    {
      name: `one more feature, to the page that pays most for it (${grown.page})`,
      measured: `${digits(grown.size)} kB gzip`,
      beside: growth.map(({ page, size }) => `${page} ${digits(size)}`).join(', '),
      goal: `≤ ${FEATURE_KB} kB`,
      met: grown.size <= FEATURE_KB,
    },
    {
      name: 'largest chunk',
      measured: `${digits(kb(largest.size))} kB raw (${largest.name})`,
      beside: `all ${scripts.length} together ${digits(kb(total))} kB gzip`,
      goal: `≤ ${CHUNK_KB} kB`,
      met: kb(largest.size) <= CHUNK_KB,
    },
  ];
  return {
    title: 'The plugin’s bundle',
    how: 'The production build; gzip at level 9. A first page is what the browser asks for of the plugin when the page is opened with nothing cached. One more feature is a folder with a list page, two changes with their forms, three states and three operations, in a copy that is built beside one without it.',
    figures,
  };
}
