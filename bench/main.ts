// npm run bench [-- part…]: runs the parts one after another; only a whole run writes bench/RESULTS.md.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal, runMain } from '../launch/machine/refusal.ts';
import { notMeasured, type Part, type Section } from './figure.ts';
import { loadNow, machineLine } from './machine.ts';
import { PARTS } from './parts.ts';
import { resultsPage } from './results-page.ts';

/** Seconds of the whole run; a part that no time is left for is reported as not measured. */
const TOTAL_S = 1_050;
const RESULTS = join(import.meta.dirname, 'RESULTS.md');

function wanted(names: readonly string[]): readonly Part[] {
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0)
    throw new Refusal(`no such part: ${unknown.join(', ')}. There are ${PARTS.map(({ name }) => name).join(', ')}.`);
  return names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name));
}

/** A part that fails or takes too long is reported as not measured; the others go on. */
function run({ folder, name, title, seconds }: Part): Promise<Section> {
  return new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, 'run-part.ts'), [`${folder}/${name}`], {
      stdio: ['ignore', 2, 'pipe', 'ipc'],
    });
    let [complaint, section]: [string, Section | undefined] = ['', undefined];
    const overdue = `gave up after ${seconds} s`;
    const timer = setTimeout(() => ((complaint = overdue), child.kill('SIGKILL')), seconds * 1000);
    child.stderr!.on(
      'data',
      (chunk: Buffer) => (complaint = complaint === overdue ? overdue : reasonIn(String(chunk), complaint)),
    );
    child.on('message', (message: Section) => (section = message));
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(section ?? { title, how: '', figures: [notMeasured(title, complaint || 'it ended without a word')] });
    });
  });
}

/** The line of a stack trace that says what happened. */
const reasonIn = (text: string, before: string): string =>
  text
    .split('\n')
    .find((line) => /^(\w*Error|Problem)\b.*: /.test(line))
    ?.slice(0, 300) ?? before;

async function main(): Promise<void> {
  const parts = wanted(process.argv.slice(2));
  const began = performance.now();
  const load = loadNow();
  const sections: Section[] = [];
  for (const part of parts) {
    process.stderr.write(`• ${part.title} (${part.name}) …\n`);
    const left = TOTAL_S - (performance.now() - began) / 1000;
    sections.push(await run({ ...part, seconds: Math.max(1, Math.min(part.seconds, Math.round(left))) }));
  }
  const seconds = (performance.now() - began) / 1000;
  const page = resultsPage(
    { date: new Date().toISOString().slice(0, 10), machine: machineLine(), load, seconds },
    sections,
  );
  process.stdout.write(page);
  if (parts.length === PARTS.length) writeFileSync(RESULTS, page);
}

await runMain(main);
