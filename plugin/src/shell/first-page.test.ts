// The schemas of the contract weigh more than all else of a page: they come with a form, and no page imports them.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SRC = path.join(__dirname, '..');
const CONTRACT = path.join(SRC, '../../contract/src');

const sourcesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.tsx?$/.test(file) && !/\.(test|fixture)\.tsx?$|^testing\//.test(file)
  );
const files = sourcesOf(SRC);
/** What a file imports when it is loaded, values and modules; types weigh nothing. */
const importsOf = (file: string): Array<{ names: string; from: string }> =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:im|ex)port (?!type )(?:([^'";]*?) from )?'([^']+)';/gm)].map(
    ([, names = '', from = '']) => ({ names, from })
  );
const valuesIn = (names: string): string[] =>
  (/\{([^}]*)\}/.exec(names)?.[1] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '));

/** Every file that is loaded with some, by what they import. */
function reachedFrom(folder: string, known: readonly string[], roots: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (!reached.has(file)) {
      reached.add(file);
      for (const { from } of importsOf(path.join(folder, file)).filter((one) => one.from.startsWith('.'))) {
        const at = path.join(path.dirname(file), from);
        visit(known.find((one) => [at, `${at}.ts`, `${at}.tsx`].includes(one)) ?? at);
      }
    }
  };
  roots.forEach(visit);
  return reached;
}

const contract = sourcesOf(CONTRACT);
/** 2 kB; zod is what weighs. */
const LIGHT_PACKAGES = ['eventsource-parser'];
const isLight = (file: string): boolean =>
  [...reachedFrom(CONTRACT, contract, [file])].every((one) =>
    importsOf(path.join(CONTRACT, one)).every(({ from }) => from.startsWith('.') || LIGHT_PACKAGES.includes(from))
  );
const exportsOf = (file: string): string[] =>
  [...readFileSync(path.join(CONTRACT, file), 'utf8').matchAll(/^export (?:const|function|class) (\w+)/gm)].map(
    ([, name = '']) => name
  );

const pages = files.filter((file) => /^module\.tsx$|^shell\/App\.tsx$|^features\/.*Page\.tsx$/.test(file));

test('no page imports the schemas of the contract', () => {
  const light = contract.filter(isLight).flatMap(exportsOf);
  expect(light).toEqual(
    expect.arrayContaining(['createClient', 'Problem', 'CHANGE_ROUTES', 'SERVICE_KINDS', 'masked'])
  );
  const heavy = [...reachedFrom(SRC, files, pages)].flatMap((file) =>
    importsOf(path.join(SRC, file)).flatMap(({ names, from }) =>
      from === 'zod' || from === 'yaml'
        ? [`${file}: ${from}`]
        : from === '@cloudlysis/contract'
          ? valuesIn(names)
              .filter((name) => !light.includes(name))
              .map((name) => `${file}: ${name}`)
          : []
    )
  );
  expect(pages.length).toBeGreaterThan(8);
  expect(heavy).toEqual([]);
});
