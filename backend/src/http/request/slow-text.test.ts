// No text that fits into a body or a header takes longer to look through than it is long: the process serves nobody else meanwhile.
import type { IncomingMessage } from 'node:http';
import { expect, it } from '@jest/globals';
import { allOperations, folded, MAX_BODY, Problem } from '@cloudlysis/contract';
import { placesOf, sampleOf } from '../../../../contract/src/sample.fixture.ts';
import { image } from '../../audit/record/redact.ts';
import { identityName, identityOf } from '../../call/identity-name.ts';
import { scanJson } from './json-scan.ts';
import { parseParts, submitHeaders } from './request-parts.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

/** What is linear takes a few milliseconds on any machine; what is not took 2 s on an idle one. */
const AT_MOST_MS = 1_000;
const SIZE = MAX_BODY - 1_024;
const UNITS = [
  'a', 'A', '0', ' ', '\t', '-', '.', ',', '/', ':', '@', '"', '\\', '%', 'a.', 'a@', 'a@a.', '1-', '://a:', '-----BEGIN ',
  'eyJaaaaaaaa', 'eyJaaaaaaaa.', 'Bearer ', 'token=', 'wait=', 'e\u0301', '\u200b', '\ufdfa', '\ud83d\ude00', 'ΑΣ ', '2026-',
]; // prettier-ignore
const TEXTS = UNITS.flatMap((unit) => {
  const run = unit.repeat(SIZE / unit.length);
  return [run, `${run}!`];
});

function within(what: string, work: () => unknown): void {
  const began = stopwatch();
  try {
    work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  const ms = began();
  if (ms > AT_MOST_MS) throw new Error(`${what} took ${Math.round(ms)} ms`);
}
const named = (text: string): string => JSON.stringify(text.slice(0, 12));

/** One place of each name: `reason` is the same in all. */
const all = allOperations().flatMap((operation) =>
  (['params', 'body'] as const).flatMap((part) => {
    const sample = sampleOf(operation[part]);
    const texts = placesOf(sample).filter(({ path, value }) => path.length > 0 && typeof value === 'string');
    return texts.map(({ path }) => ({ operation, part, path, sample }));
  }),
);
const places = [...new Map(all.map((place) => [String(place.path.at(-1)), place])).values()];

it('NFR-07 API-16 long text in any place of any request', () => {
  for (const { operation, part, path, sample } of places) {
    for (const text of TEXTS) {
      const value = structuredClone(sample) as Record<string, unknown>;
      const holder = path.slice(0, -1).reduce<unknown>((at, step) => (at as typeof value)[step], value);
      (holder as typeof value)[path.at(-1)!] = text;
      const parts = { params: {}, query: '', body: {}, [part]: value };
      within(`${operation.id} ${part}.${path.join('.')} of ${named(text)}`, () => parseParts(operation, parts));
    }
  }
  expect(places.length).toBeGreaterThan(15);
});

it('NFR-07 API-16 long numbers, keys and nesting in a body', () => {
  const zeros = '0'.repeat(SIZE);
  const numbers = [
    `1${zeros}1`,
    `0.${zeros}1`,
    `${zeros}1`,
    `1${zeros}`,
    `1e${zeros}1`,
    `1.${zeros}`,
    `1.${zeros}1e${'9'.repeat(99)}`,
    '1'.repeat(SIZE),
    '-'.repeat(SIZE),
    '1e'.repeat(SIZE / 2),
    `-0.${zeros}`,
  ];
  for (const number of numbers) within(`the number ${number.slice(0, 12)}`, () => scanJson(`{"a":${number}}`));
  const keys = '"a":1,'.repeat(SIZE / 6);
  for (const text of [...TEXTS, keys, `{${keys}`, '[1,'.repeat(SIZE / 3), '{"a":'.repeat(SIZE / 5)])
    within(`the body ${named(text)}`, () => (scanJson(text), scanJson(`{"${text}":1,"${text}":"${text}`)));
});

it('NFR-07 long headers, searches, names, and what goes into the audit log', () => {
  for (const text of TEXTS) {
    const request = (headers: object) =>
      ({ headers: { 'idempotency-key': 'k', ...headers } }) as Partial<IncomingMessage> as IncomingMessage;
    within(`Prefer of ${named(text)}`, () => submitHeaders(request({ prefer: `,${text}` })));
    within(`Idempotency-Key of ${named(text)}`, () => submitHeaders(request({ 'idempotency-key': text })));
    within(`a search for ${named(text)}`, () => folded(text));
    within(`an image of ${named(text)}`, () => image({ [text]: text }));
    // A token is a header, and all headers together have 32 KiB.
    const id = text.slice(0, 16 * 1_024);
    within(`the name ${named(text)}`, () => identityOf(identityName({ kind: 'user', issuer: 'grafana', id })));
  }
});
