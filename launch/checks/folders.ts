// No folder has more than twelve source files: more than that nobody keeps in mind. Tests and fixtures lie beside what they try.
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { root } from '../machine/programs.ts';

const MOST = 12;
const SOURCE = /(?<!\.(test|fixture|spec|d))\.(ts|tsx|mjs|mts|js)$/;
/** As create-plugin generated it. */
const FOREIGN = /^plugin\/\.config\//;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }); // prettier-ignore
const counts = new Map<string, number>();
for (const file of files.split('\n').filter((name) => SOURCE.test(name) && !FOREIGN.test(name))) {
  counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
}
const crowded = [...counts].filter(([, count]) => count > MOST);
for (const [folder, count] of crowded) console.error(`${folder}/ has ${count} source files, more than ${MOST}`);
process.exit(crowded.length > 0 ? 1 : 0);
