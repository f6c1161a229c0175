/** Writes `routes.ts`, the table that clients have in place of the catalogue, from the catalogue. */
import { mutations, reads } from '../catalogue.ts';
import { secretPlaces } from '../secret.ts';

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const table = (name: string, type: string, rows: readonly (readonly [string, string])[]): string =>
  [
    `export const ${name} = {`,
    ...rows.map(([id, value]) => `  ${quoted(id)}: ${value},`),
    `} as const satisfies ${type};`,
  ].join('\n');

export function routesText(): string {
  const changes = Object.values(mutations).map(({ submit }) => submit);
  const secret = changes
    .map(({ id, body }): [string, string] => [id, `[${secretPlaces(body).map(quoted).join(', ')}]`])
    .filter(([, places]) => places !== '[]');
  return [
    '// Written by `npm run openapi` from the catalogue. Without zod: every page has it.',
    "import type { MutationId, ReadId } from '../catalogue.ts';",
    "import type { Method } from '../operation.ts';",
    '',
    "export const API_PREFIX = '/admin/v1';",
    '',
    '/** Where every read is; each is a GET. */',
    table('READ_ROUTES', 'Record<ReadId, string>', Object.values(reads).map(({ id, path }) => [id, quoted(path)])), // prettier-ignore
    '',
    '/** How every change is asked for; its preflight is a POST to the same path and `/preflight`. */',
    table(
      'CHANGE_ROUTES',
      'Record<MutationId, `${Method} /${string}`>',
      changes.map(({ id, method, path }) => [id, quoted(`${method} ${path}`)]),
    ),
    '',
    '/** Where the secrets of a change stand, of those that have any. */',
    table('SECRET_PLACES', 'Partial<Record<MutationId, readonly string[]>>', secret),
    '',
  ].join('\n');
}
