// The schemas of the contract weigh more than all else of a page: they come with a form, and no page imports them.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SRC = path.join(__dirname, '..');
const CONTRACT = path.join(SRC, '../../contract/src');
/** The contract without zod. */
const LIGHT = ['client.ts', 'event-stream.ts', 'problem.ts', 'routes.ts', 'secret-places.ts', 'words.ts'];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$|^testing\//.test(file)
);
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

function reachedFrom(roots: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (!reached.has(file)) {
      reached.add(file);
      for (const { from } of importsOf(path.join(SRC, file)).filter((one) => one.from.startsWith('.'))) {
        const at = path.join(path.dirname(file), from);
        visit(files.find((one) => one === `${at}.ts` || one === `${at}.tsx`) ?? at);
      }
    }
  };
  roots.forEach(visit);
  return reached;
}

const pages = files.filter((file) => /^module\.tsx$|^shell\/App\.tsx$|^features\/.*Page\.tsx$/.test(file));

test('no page imports the schemas of the contract', () => {
  const light = LIGHT.flatMap((file) => [
    ...readFileSync(path.join(CONTRACT, file), 'utf8').matchAll(/^export (?:const|function|class) (\w+)/gm),
  ]).map((match) => match[1]);
  const heavy = [...reachedFrom(pages)].flatMap((file) =>
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

test.each(LIGHT)('%s is without zod', (file) => {
  const from = importsOf(path.join(CONTRACT, file)).map((one) => one.from.replace('./', ''));
  expect(from.filter((one) => !LIGHT.includes(one))).toEqual([]);
});
