// The one rule for text, keys and numbers, over HTTP and over every operation: kept exactly, or refused by name.
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { allOperations, API_PREFIX, holdsSecrets, MAX_BODY, taken, type Operation } from '@cloudlysis/contract';
import fc from 'fast-check';
import { placesOf, sampleOf, type Path } from '../../../contract/src/sample.fixture.ts';
import type { ReadHandlers } from '../call/call.ts';
import { PermissionTable } from '../identity/index.ts';
import { NO_SECRETS, type Secrets } from '../secrets/secret.ts';
import { constantMutations, constantReads, JOB, PLAN } from './answers.fixture.ts';
import { startTestApi, type TestApi } from './test-api.fixture.ts';

interface Parts {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

interface Call extends Parts {
  readonly secrets?: Secrets;
}

/** With what was taken out of it put back: what a handler gets is the body and its secrets. */
function whole({ body, secrets = NO_SECRETS }: Call): unknown {
  const copy = structuredClone(body) as Record<string, unknown>;
  for (const [name, secret] of secrets) {
    const path = name.split('/').map((step) => step.replaceAll('~2', '.').replaceAll('~1', '/').replaceAll('~0', '~'));
    const holder = path.slice(0, -1).reduce<unknown>((at, step) => (at as never)[step], copy) as object;
    Object.defineProperty(holder, path.at(-1)!, { value: secret.open(), enumerable: true, writable: true, configurable: true }); // prettier-ignore
  }
  return copy;
}

let api: TestApi;
let token: string;
let seen: Parts | null;
beforeAll(async () => {
  const see = <T>(answer: (call: never) => T) => (call: Call): T => ((seen = { ...call, body: whole(call) }), answer(call as never)); // prettier-ignore
  const reads = Object.entries(constantReads(new PermissionTable([{ id: 'dev', tier: 'dev' }]))).map(([id, run]) => [
    id,
    see(run as never),
  ]);
  const mutations = Object.entries(constantMutations(() => JOB)).map(([id]) => [
    id,
    { preflight: see(async () => PLAN), submit: see(async () => JOB) },
  ]);
  api = await startTestApi({
    environments: ['acme'],
    reads: Object.fromEntries(reads) as ReadHandlers,
    mutations: Object.fromEntries(mutations) as never,
  });
  token = await api.token('owner');
});
afterAll(async () => void (await api[Symbol.asyncDispose]()));

interface Answer {
  readonly status: number;
  readonly problem: { code: string; detail: string; issues?: { path: string; message: string }[] };
  /** What the handler got; null where it was not reached. */
  readonly got: Parts | null;
}

/** Raw, since `fetch` mends addresses. One at a time: what the handler saw belongs to this request. */
function send({ method }: Operation, path: string, body?: string): Promise<Answer> {
  seen = null;
  const { hostname, port } = new URL(api.url);
  const headers = {
    authorization: `Bearer ${token}`,
    'idempotency-key': 'edge',
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: API_PREFIX + path, headers }, async (response) => {
      const text = (await response.toArray()).join('');
      const isProblem = response.headers['content-type']?.includes('problem') ?? false;
      resolve({ status: response.statusCode!, problem: isProblem ? JSON.parse(text) : {}, got: seen });
    });
    sent.on('error', reject).end(body);
  });
}

const operations = allOperations();
const samples = new Map(
  operations.map(({ id, params, query, body }) => [
    id,
    { params: sampleOf(params), query: sampleOf(query), body: sampleOf(body) } as Record<
      string,
      Record<string, unknown>
    >,
  ]),
);
const sample = ({ id }: Operation) => samples.get(id)!;

const pathOf = (operation: Operation, raw: Record<string, string> = {}): string =>
  operation.path.replace(/:(\w+)/g, (_, name: string) => raw[name] ?? String(sample(operation)['params']![name]));
const queryText = (query: Record<string, unknown>): string =>
  Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&'); // prettier-ignore

/** The sample body as JSON, with the text `raw` in one place. */
function bodyWith(operation: Operation, at: Path, raw: string): string {
  const mark = '"\u0001raw"';
  const copy = structuredClone(sample(operation)['body']) as unknown;
  const holder = at.slice(0, -1).reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], copy);
  (holder as Record<string, unknown>)[at.at(-1)!] = '\u0001raw';
  return JSON.stringify(copy).replace(JSON.stringify('\u0001raw'), () => raw) || mark;
}

const mutations = operations.filter(({ mutation }) => mutation !== undefined);
const bodyPlaces = mutations.flatMap((operation) =>
  placesOf(sample(operation)['body']).filter(({ path }) => path.length > 0).map((place) => ({ operation, ...place })),
); // prettier-ignore

const isSecretAt = (operation: Operation, path: Path): boolean =>
  taken(operation.body, sample(operation)['body']).secrets.some((one) => one.path.join('\n') === path.join('\n'));

const FORBIDDEN = [
  '\ud800', 'a\udc00b', '\udfff\ud800', 'a\0b', '\u0001', '\u0007', '\u001b[31m', '\r', '\u007f', '\u0085', '\u2028', '\u2029',
  'a\u202eb', '\u2066x\u2069',
]; // prettier-ignore
const ODD = [
  '',
  ' ',
  '   ',
  '\u200b\u200b\u200b',
  '\u00a0\u3000\u2800',
  '\u3164\u3164\u3164',
  ' acme ',
  'acme\n',
  'e\u0301\u0301\u0301',
  '\u00e9t\u00e9',
  '\ufeffacme',
  '\uffff',
  '\u05e9\u05dc\u05d5\u05dd',
  '👩‍👩‍👧',
  'x'.repeat(10_000),
  '__proto__',
  'constructor',
  '$where',
  '%00',
  '1e999',
];
const NUMBERS_REFUSED = [
  '9007199254740993', '-9007199254740993', '9007199254740992', '1e999', '-1e999', '-0', '-0.0', '-0e5', '1e-999',
  '0.1000000000000000055511151231257827', '123456789012345678901234567890', '1.00000000000000001', '1e400',
]; // prettier-ignore
const NUMBERS_ODD = ['1.5', '1e1', '1E+1', '10e-1', '1.50', '0', '-1', '1e15', '0.1', '9007199254740991'];

/** Refused as bad input by a problem that names the field. */
function expectNamed({ status, problem, got }: Answer, part: string, name?: string): void {
  expect(got).toBeNull();
  const { code, issues = [] } = problem;
  // A label like any other, of nothing that is there.
  if (code === 'environment.unknown') return expect([status, name]).toEqual([404, 'environment']);
  expect([400, 422]).toContain(status);
  expect([code, issues.some(({ path }) => path === part || path.startsWith(`${part}.`))]).toEqual([code, true]);
  if (name !== undefined) expect(issues.map(({ path }) => path).join()).toContain(name);
  expect(problem.detail.isWellFormed()).toBe(true);
}

it('API-16 the sample of every operation is let in and arrives as it was sent', async () => {
  for (const operation of operations) {
    const { query, body } = sample(operation);
    const text = operation.mutation ? JSON.stringify(body) : undefined;
    const { status, problem, got } = await send(operation, `${pathOf(operation)}?${queryText(query!)}`, text);
    expect([operation.id, problem]).toEqual([operation.id, {}]);
    expect(status).toBeLessThan(300);
    expect({ ...(got!.query as object) }).toEqual(query);
    if (operation.mutation) expect(got!.body).toEqual(body);
  }
});

it('API-16 text: any string in any place of any body is kept exactly or refused by name, by both calls of a change', async () => {
  const texts = fc.oneof(
    fc.constantFrom(...FORBIDDEN),
    fc.constantFrom(...ODD),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const places = fc.constantFrom(...bodyPlaces.filter(({ value }) => typeof value === 'string'));
  await fc.assert(
    fc.asyncProperty(places, texts, async ({ operation, path }, text) => {
      const answer = await send(operation, pathOf(operation), bodyWith(operation, path, JSON.stringify(text)));
      // A secret is whatever somebody was given, controls and all, as long as it is text.
      const isLet = isSecretAt(operation, path) ? text.isWellFormed() : !FORBIDDEN.includes(text);
      if (!isLet || answer.got === null) return expectNamed(answer, 'body', path.join('.'));
      const kept = path.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], answer.got.body);
      expect([answer.status < 300, kept]).toEqual([true, text]);
    }),
    { numRuns: 600 },
  );
});

it('API-16 numbers: kept exactly or refused by name, in every place of every body', async () => {
  const places = bodyPlaces.filter(({ value }) => typeof value === 'number');
  expect(places.length).toBeGreaterThan(10);
  for (const { operation, path } of places)
    for (const raw of [...NUMBERS_REFUSED, ...NUMBERS_ODD, '"1"', 'null', 'true']) {
      const answer = await send(operation, pathOf(operation), bodyWith(operation, path, raw));
      if (NUMBERS_REFUSED.includes(raw) || answer.got === null) expectNamed(answer, 'body', path.join('.'));
      else expect(path.reduce<unknown>((at, step) => (at as never)[step], answer.got.body)).toBe(JSON.parse(raw));
    }
});

it('API-16 keys: no key is dropped, doubled or taken for something else, in every map of every body', async () => {
  const maps = bodyPlaces.filter(({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value));
  const keys = [
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__proto__',
    '\\u005f_proto__',
    'a.b',
    '$set',
    '',
    ' ',
    'a\\u0000',
    '\\ud800',
    'é',
    'key',
  ];
  for (const { operation, path, value } of maps)
    for (const key of keys) {
      const inner = JSON.stringify(value).slice(0, -1);
      const own = Object.values(value as object)[0] as unknown;
      const raw = `${inner},"${key}":${JSON.stringify(own)}}`;
      const answer = await send(operation, pathOf(operation), bodyWith(operation, path, raw));
      // Where a body may hold secrets nothing of a malformed one is told, not even where.
      const isUntold = holdsSecrets(operation.body) && answer.problem.code === 'request.malformed';
      if (isUntold)
        expect([answer.status, answer.problem.detail]).toEqual([400, expect.stringContaining('a key twice')]);
      else if (answer.got === null) expectNamed(answer, 'body', path.join('.'));
      else {
        const kept = path.reduce<unknown>((at, step) => (at as never)[step], answer.got.body) as object;
        expect(Object.getOwnPropertyDescriptor(kept, JSON.parse(`"${key}"`))?.value).toEqual(own);
        expect(Object.keys(kept)).toHaveLength(Object.keys(value as object).length + 1);
      }
      if (key === 'key' && 'key' in (value as object)) expect(answer.problem.detail).toContain('twice');
    }
});

it('API-16 queries: text, numbers, repetition and escapes, in every parameter of every read', async () => {
  const raws = [
    '', '%20', '%2010', '10%20', '0x10', '1e2', '1.0', '+5', '010', '-0', 'NaN', 'Infinity', '1,2', '[]', '%zz', '%', '%ff', '%ed%a0%80',
    '%00', '%0a', '%e2%80%ae', 'a%2Bb', '%C3%A9', 'a+b', '9007199254740993',
  ]; // prettier-ignore
  for (const operation of operations)
    for (const [name, good] of Object.entries(sample(operation)['query']!)) {
      for (const raw of raws) {
        const answer = await send(operation, `${pathOf(operation)}?${name}=${raw}`);
        if (answer.got === null) expectNamed(answer, 'query', name);
        else
          expect((answer.got.query as Record<string, unknown>)[name]).toBe(
            decodeURIComponent(raw.replaceAll('+', ' ')),
          );
      }
      const twice = `${name}=${String(good)}&${name}=${String(good)}`;
      expectNamed(await send(operation, `${pathOf(operation)}?${twice}`), 'query', name);
      for (const other of [`${name}[]=1`, `${name}[$ne]=1`, '__proto__=1', 'constructor=1'])
        expectNamed(await send(operation, `${pathOf(operation)}?${other}`), 'query');
    }
});

it('API-16 paths: what is not exactly an id is refused by name, in every parameter of every path', async () => {
  for (const operation of operations)
    for (const name of Object.keys(sample(operation)['params']!))
      for (const raw of [
        '%zz',
        '%ff',
        '%00',
        '%ed%a0%80',
        'a%2fb',
        '%2e%2e%2f',
        '%E2%80%8B',
        'A',
        'a%20',
        '__proto__',
        'constructor%00',
      ]) {
        const body = operation.mutation ? JSON.stringify(sample(operation)['body']) : undefined;
        expectNamed(await send(operation, pathOf(operation, { [name]: raw }), body), 'params', name);
      }
});

it('API-16 NFR-04 a body is refused by its size before it is parsed, by its keys and by its depth', async () => {
  for (const operation of mutations) {
    const { maxBody = MAX_BODY } = operation;
    expect(maxBody).toBeLessThanOrEqual(1024 * 1024);
    const long = await send(operation, pathOf(operation), `{"x": "${'x'.repeat(maxBody)}"`);
    expect([operation.id, long.status, long.problem.code]).toEqual([operation.id, 413, 'request.too_large']);
    const keys = Array.from({ length: 2_001 }, (_, at) => `"k${at}":0`).join();
    const many = await send(operation, pathOf(operation), `{"x":{${keys}}}`);
    const said = holdsSecrets(operation.body) ? 'more keys' : '2000 keys';
    expect(many.problem).toMatchObject({ code: 'request.malformed', detail: expect.stringContaining(said) });
  }
});
