import { mutations, type MutationId } from '@cloudlysis/contract';
import { z } from 'zod';
import pluginJson from '../plugin.json';
import { joined } from './FeatureProvider';
import { features } from './features';

const { changes } = joined(features);
const ids = Object.keys(mutations) as MutationId[];

/** Whether the contract has a place for a dotted path. */
function has(schema: z.core.$ZodType, [name, ...rest]: string[]): boolean {
  if (name === undefined) {
    return true;
  }
  if (schema instanceof z.ZodOptional) {
    return has(schema.unwrap(), [name, ...rest]);
  }
  const inner = schema instanceof z.ZodObject ? (schema.shape[name] as z.core.$ZodType | undefined) : undefined;
  return inner !== undefined && has(inner, rest);
}

test.each(ids)('UI-15 %s can be asked for in the drawer', async (id) => {
  expect(changes.words[id]?.verb).toBeTruthy();
  expect((await changes.load(id))?.of).toBe(mutations[id]);
});

test.each(ids)('every field of %s is one of the contract', async (id) => {
  const { params, body } = mutations[id].submit;
  const names = ((await changes.load(id))?.fields ?? []).map(({ name }) => name);
  expect(names.filter((name) => ![params, body].some((schema) => has(schema, name.split('.'))))).toEqual([]);
});

test('a change that there is not has no words and no form', async () => {
  expect(await changes.load('scale.teleport')).toBeUndefined();
  expect(await changes.load('constructor')).toBeUndefined();
});

test('no two features say different things of the same word, place, change or address', () => {
  const said = new Map<string, unknown>();
  const twice: string[] = [];
  for (const { pages, changes: words = {}, places = {}, tones = {} } of features) {
    for (const [key, value] of [
      ...pages.map(({ path, load }) => [`page ${path}`, load]),
      ...Object.entries(words).map(([id, of]) => [`change ${id}`, of]),
      ...Object.entries(places).map(([kind, of]) => [`place ${kind}`, of]),
      ...Object.entries(tones).map(([word, of]) => [`tone ${word}`, of]),
    ] as Array<[string, unknown]>) {
      if (said.has(key) && said.get(key) !== value) {
        twice.push(key);
      }
      said.set(key, value);
    }
  }
  expect(twice).toEqual([]);
});

test('UI-01 what the navigation leads to is a page of a feature', () => {
  const pages = features.flatMap((feature) => feature.pages).map(({ path }) => path.replace(/\/:\w+\?$/, ''));
  const led = pluginJson.includes.map(({ path }) => path.split('%PLUGIN_ID%/')[1]).filter((path) => path !== undefined);
  expect(led.filter((path) => !pages.includes(path))).toEqual([]);
});

test.each([
  ['UI-01', 'Overview', 'overview'],
  ['UI-02', 'Tenants', 'tenants'],
  ['UI-08', 'Placement', 'placement'],
  ['UI-11', 'Audit log', 'audit'],
  ['UI-12', 'Settings', 'settings'],
])('%s %s is in the navigation, for every reader', (_id, name, path) => {
  expect(pluginJson.includes).toContainEqual(
    expect.objectContaining({ type: 'page', name, path: `/a/%PLUGIN_ID%/${path}`, role: 'Viewer', addToNav: true })
  );
});
