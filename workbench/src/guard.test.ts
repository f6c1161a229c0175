import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { bundleFaults } from './bundle-guard.ts';

const dist = join(import.meta.dirname, '../../plugin/dist');

function bundle(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  mkdirSync(join(folder, 'lazy'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

it('MIS-04 CON-01 the built plugin asks a Grafana only for modules it shares, and carries no React of its own', () => {
  expect(bundleFaults(dist)).toEqual([]);
});

it('a bundle that asks for a module Grafana does not share is named with that module', () => {
  const faults = bundleFaults(
    bundle({ 'module.js': 'define(["react","module","react-router-dom","@grafana/scenes"],(e,t)=>{})' }),
  );
  expect(faults).toHaveLength(2);
  expect(faults[0]).toContain('react-router-dom');
  expect(faults[1]).toContain('@grafana/scenes');
});

it.each(['ReactCurrentOwner', '__SECRET_INTERNALS_DO_NOT_USE', '__CLIENT_INTERNALS_DO_NOT_USE'])(
  '%s is found in the entry and in any chunk',
  (word) => {
    const faults = bundleFaults(
      bundle({ 'module.js': `define(["react"],e=>e.${word})`, 'lazy/7.js': `self.x.push(e=>e.${word})` }),
    );
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['lazy/7.js', 'module.js']);
  },
);

it('a named define is read like an unnamed one', () => {
  expect(
    bundleFaults(bundle({ 'module.js': '/* c */ define("app", ["react", "preact"], function(){})' })),
  ).toHaveLength(1);
});

it('what is no AMD bundle is a fault, and no bundle at all is an error, never a pass', () => {
  expect(bundleFaults(bundle({ 'module.js': 'export const plugin = 1' }))).toEqual([
    expect.stringContaining('no AMD bundle'),
  ]);
  expect(() => bundleFaults(bundle({}))).toThrow('build the plugin first');
});
