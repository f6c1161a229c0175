import { expect, it } from '@jest/globals';
import { findChromium, type Machine } from './browser.ts';

const debian = '/etc/debian_version';
const machine = (more: Partial<Machine> & { has?: string[] }): Machine => ({
  env: {},
  find: (name) => (more.has?.includes(name) ? `/usr/bin/${name}` : undefined),
  exists: (file) => file === debian,
  isRoot: false,
  ...more,
});

it('CHROMIUM_PATH is taken first, and refused when it leads nowhere', () => {
  const env = { CHROMIUM_PATH: '/opt/chrome' };
  expect(findChromium(machine({ env, has: ['chromium'], exists: () => true }))).toBe('/opt/chrome');
  expect(() => findChromium(machine({ env, has: ['chromium'] }))).toThrow('CHROMIUM_PATH=/opt/chrome does not exist');
});

it.each(['chromium', 'chromium-browser', 'google-chrome'])('%s on PATH is found', (name) => {
  expect(findChromium(machine({ has: [name] }))).toBe(`/usr/bin/${name}`);
});

it('it is installed by root on Debian alone; anywhere else the refusal says what to install', () => {
  expect(findChromium(machine({ has: ['apt-get'], isRoot: true }))).toBe('install');
  const refusal = /Browser journeys need one of chromium.*apt-get install chromium.*CHROMIUM_PATH/;
  expect(() => findChromium(machine({ has: ['apt-get'] }))).toThrow(refusal);
  expect(() => findChromium(machine({ has: ['apt-get'], isRoot: true, exists: () => false }))).toThrow(refusal);
});
