import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { mutations, routesText } from '../index.ts';

describe('API-16 the table of routes', () => {
  it('is that of the catalogue: `npm run openapi` writes it', () => {
    expect(readFileSync(new URL('./routes.ts', import.meta.url), 'utf8')).toBe(routesText());
  });

  it.each(Object.values(mutations))(
    'a preflight is asked for beside its change: $submit.id',
    ({ submit, preflight }) => {
      expect(`${preflight.method} ${preflight.path}`).toBe(`POST ${submit.path}/preflight`);
    },
  );
});
