// Writes docs/openapi.json from the contract: npm run openapi
import { writeFile } from 'node:fs/promises';
import { openApiText } from '../contract/src/index.ts';

await writeFile(new URL('../docs/openapi.json', import.meta.url), openApiText());
process.stdout.write('docs/openapi.json is written\n');
