import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { EXAMPLES, PROBLEMS, allOperations, openApi, openApiText } from '../index.ts';

type Json = Record<string, any>;
const document = openApi() as Json;
const operations = Object.values(document['paths'] as Json).flatMap((path) => Object.values(path as Json) as Json[]);
const resolved = (schema: Json): Json =>
  schema['$ref'] ? document['components'].schemas[String(schema['$ref']).split('/').at(-1)!] : schema;

describe('API-16 docs/openapi.json', () => {
  it('is what the contract says: `npm run openapi` writes it', async () => {
    expect(await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8')).toBe(openApiText());
  });

  it('is OpenAPI 3.1 to a second tool', async () => {
    const config = await createConfig({
      extends: ['minimal'],
      rules: { 'no-invalid-media-type-examples': 'error', struct: 'error' },
    });
    const found = await lintFromString({ source: openApiText(), config });
    const serious = found.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
    expect(serious).toEqual([]);
  });

  it('has every operation once, each with a summary, a permission and its problems', () => {
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(
      allOperations()
        .map(({ id }) => id)
        .sort(),
    );
    for (const operation of operations) {
      expect(operation['summary']).toMatch(/^[A-Z].{3,}/);
      expect(operation['description']).toMatch(/^(Needs `|Open to: )/);
      for (const status of ['401', '403', '429', '500', '503'])
        expect(Object.keys(operation['responses'])).toContain(status);
    }
    for (const { id, problems } of allOperations()) {
      const { responses } = operations.find(({ operationId }) => operationId === id)!;
      for (const code of problems) expect(JSON.stringify(responses[PROBLEMS[code].status])).toMatch(/\$ref|code/);
    }
  });

  it('describes every field and parameter, and refers to nothing outside itself', () => {
    const silent: string[] = [];
    const walk = (schema: Json, path: string): void => {
      for (const [name, field] of Object.entries((schema['properties'] ?? {}) as Json)) {
        if (!resolved(field)['description'] && !field['description']) silent.push(`${path}.${name}`);
        walk(field as Json, `${path}.${name}`);
      }
      for (const inner of [schema['items'], ...(schema['anyOf'] ?? []), ...(schema['oneOf'] ?? [])])
        if (inner) walk(inner as Json, path);
    };
    for (const [name, schema] of Object.entries(document['components'].schemas as Json)) walk(schema as Json, name);
    for (const operation of operations)
      for (const parameter of operation['parameters'] as Json[])
        if (!parameter['description']) silent.push(`${operation['operationId']} ${parameter['name']}`);
    expect(silent).toEqual([]);
    for (const [, ref] of openApiText().matchAll(/"\$ref": "([^"]+)"/g)) {
      const found = ref!.slice(2).split('/').reduce<Json | undefined>((at, step) => at?.[step], document); // prettier-ignore
      expect([ref, found !== undefined]).toEqual([ref, true]);
    }
    expect(openApiText()).not.toMatch(/"\$id"|"\$schema"/);
  });

  it('has examples that fit their schemas', () => {
    for (const [id, { request, answers = {} }] of Object.entries(EXAMPLES)) {
      const operation = allOperations().find((operation) => operation.id === id)!;
      if (request) operation.body.parse(request);
      for (const [status, answer] of Object.entries(answers)) operation.answers[Number(status)]!.parse(answer);
    }
  });
});
