// Writes the last column of docs/requirements.md anew: which tests carry which id. npm run requirements
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requirements, REQUIREMENTS } from './checks/requirements.ts';
import { root } from './machine/programs.ts';

const { text, faults } = requirements();
await writeFile(join(root, REQUIREMENTS), text);
for (const fault of faults) process.stderr.write(`✗ ${fault}\n`);
process.stdout.write(`${REQUIREMENTS} is written\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
