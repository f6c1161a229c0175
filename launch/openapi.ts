// Writes what is derived from the contract: docs/openapi.json and the clients' table of routes. npm run openapi
import { writeFile } from 'node:fs/promises';
import { openApiText, routesText } from '../contract/src/index.ts';

await writeFile(new URL('../docs/openapi.json', import.meta.url), openApiText());
await writeFile(new URL('../contract/src/client/routes.ts', import.meta.url), routesText());
process.stdout.write('docs/openapi.json and contract/src/client/routes.ts are written\n');
