/** Requirements and their proof: `docs/requirements.md` says each in a sentence; who names it is looked up in the tree. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from '../machine/programs.ts';

export const REQUIREMENTS = 'docs/requirements.md';

const ID = /\b(MIS|GEN|IAM|TEN|CFG|DEF|SCL|OPS|OBS|AUD|API|SEC|BKP|UI|NFR|QST|ENV|CICD|CON)-(\d+)(?:\.\.(\d+))?/g;
const TEST = /\.(test|spec)\.tsx?$/;
const COMMENT = /^\s*(\/\/|\/?\*)/;
const ROW = /^\| ([A-Z]+-\d+) \| (.*) \| [^|]* \|$/;

/** A file and its text. */
export type Read = [file: string, text: string];

/** Every id of a text; `TEN-10..12` are three. */
export function idsOf(text: string): string[] {
  return [...text.matchAll(ID)].flatMap(([, chapter = '', from = '', to = from]) =>
    Array.from({ length: Math.max(1, Number(to) - Number(from) + 1) }, (_, index) => {
      return `${chapter}-${String(Number(from) + index).padStart(2, '0')}`;
    }),
  );
}

/** Which files name an id, and which of them are tests that carry it outside of comments. */
export function whoNames(files: Iterable<Read>): Map<string, { tests: Set<string>; others: Set<string> }> {
  const named = new Map<string, { tests: Set<string>; others: Set<string> }>();
  for (const [file, text] of files) {
    for (const line of text.split('\n')) {
      for (const id of idsOf(line)) {
        const found = named.get(id) ?? { tests: new Set(), others: new Set() };
        (TEST.test(file) && !COMMENT.test(line) ? found.tests : found.others).add(file);
        named.set(id, found);
      }
    }
  }
  return named;
}

/** The page with its last column written anew, and what is wrong with the ids themselves. */
export function pageOf(page: string, named: ReturnType<typeof whoNames>): { text: string; faults: string[] } {
  const listed = new Set<string>();
  const faults: string[] = [];
  const lines = page.split('\n').map((line) => {
    const [, id, sentence] = ROW.exec(line) ?? [];
    if (id === undefined) return line;
    if (listed.has(id)) faults.push(`${id} stands twice on the page`);
    if (!named.has(id)) faults.push(`${id} is on the page, and nothing names it`);
    listed.add(id);
    return `| ${id} | ${sentence} | ${where(named.get(id))} |`;
  });
  for (const [id, { tests, others }] of named) {
    if (!listed.has(id)) faults.push(`${id} is named in ${[...tests, ...others].join(', ')} and not on the page`);
  }
  return { text: lines.join('\n'), faults };
}

function where(found: { tests: Set<string>; others: Set<string> } | undefined): string {
  if (!found) return '–';
  if (found.tests.size > 0) return [...found.tests].sort().map(linkTo).join(', ');
  return `no test; named in ${[...found.others].sort().map(linkTo).join(', ')}`;
}

function linkTo(file: string): string {
  return `[${basename(file).replace(TEST, '')}](../${file})`;
}

/** The page as it is, and as it should be. */
export function requirements(): { page: string; text: string; faults: string[] } {
  const files = execFileSync('git', ['grep', '-lIE', '[A-Z]-[0-9]{2}'], { cwd: root, encoding: 'utf8' });
  const own = files.split('\n').filter((file) => file && file !== REQUIREMENTS && !/package-lock\.json$/.test(file));
  const page = readFileSync(join(root, REQUIREMENTS), 'utf8');
  const read = own.map((file): Read => [file, readFileSync(join(root, file), 'utf8')]);
  return { page, ...pageOf(page, whoNames(read)) };
}
