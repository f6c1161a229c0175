// A secret in hand shows itself to nobody who does not open it, and text that has one is told without it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Problem, SECRET_SHOWN } from '@cloudlysis/contract';
import { BSON } from 'mongodb';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { pino } from 'pino';
import { canary, seenIn, shortCanary } from '../jobs/engine/seen-secrets.fixture.ts';
import { redactionOf, WITHHELD } from './redaction.ts';
import { Secret } from './secret.ts';

describe('SEC-01 a secret in hand', () => {
  it('is ‹secret› however it is printed, joined, serialised, copied or inspected', () => {
    fc.assert(
      fc.property(canary, (value) => {
        const secret = new Secret(value);
        const lines: string[] = [];
        pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }).error(
          { err: Object.assign(new Error(`${secret}`), { secret }), secret, deep: { secret } },
          'x %o',
          secret,
        );
        const shown = [
          String(secret),
          `${secret}`,
          secret + '',
          JSON.stringify({ secret }),
          canonicalize({ secret }),
          inspect(secret, { showHidden: true, depth: 9, customInspect: false }), // prettier-ignore
          inspect({ secret, map: new Map([[secret, secret]]) }, { showHidden: true }),
          format('%s %o %O %j %d', secret, secret, secret, secret, secret), // prettier-ignore
          Buffer.from(BSON.serialize({ secret })).toString('utf8'),
          inspect(structuredClone({ ...secret })),
          Object.entries(secret).join(), // prettier-ignore
          Buffer.from(secret as never).toString(),
          ...lines,
        ].join('\n');
        expect(seenIn(shown, value)).toEqual([]);
        expect(`${secret}`).toBe(SECRET_SHOWN);
        expect(secret.open()).toBe(value);
      }),
    );
  });

  it('is not in what a dying process leaves: its report, its last words and the values of its error', () => {
    const value = fc.sample(canary, 1)[0]!;
    const directory = mkdtempSync(join(tmpdir(), 'report-'));
    const script = `
      import { readFileSync } from 'node:fs';
      import { Secret } from ${JSON.stringify(new URL('./secret.ts', import.meta.url).pathname)};
      const secret = new Secret(readFileSync(0, 'utf8'));
      throw Object.assign(new Error(\`died with \${secret}\`, { cause: secret }), { secret, deep: [{ secret }] });`;
    const args = [
      '--report-on-fatalerror',
      '--report-uncaught-exception',
      `--report-directory=${directory}`,
      '--input-type=module',
      '-e',
      script,
    ];
    const { stderr, stdout, status } = spawnSync(process.execPath, args, { input: value, encoding: 'utf8' });
    const reports = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
    expect([status !== 0, reports.length, stderr.includes(`died with ${SECRET_SHOWN}`)]).toEqual([true, 1, true]);
    expect(seenIn([stderr, stdout, ...reports].join('\n'), value)).toEqual([]);
  });
});

describe('SEC-01 text that has a secret', () => {
  const of = (...values: string[]) => new Map(values.map((value, at) => [`s${at}`, new Secret(value)]));
  const forms = (value: string): string =>
    [
      value,
      JSON.stringify(value),
      JSON.stringify(JSON.stringify(value)),
      encodeURIComponent(value).toLowerCase(),
      encodeURI(value),
      inspect(value),
      new URLSearchParams({ value }).toString(),
      Buffer.from(`user:${value}`).toString('base64'),
      Buffer.from(`u:${value}:x`).toString('base64url'),
      Buffer.from(value).toString('hex'),
      value.slice(0, Math.ceil(value.length * 0.8)),
    ].join(' and ');

  it('loses it in every form, wherever it stands', () => {
    fc.assert(
      fc.property(canary, canary, (one, two) => {
        const redaction = redactionOf(of(one, two), null);
        const text = `before ${forms(one)} between ${forms(two)} after`;
        const thrown = new Problem(
          'step.failed',
          text,
          { [one]: [text], at: { one } },
          Object.assign(new Error(text, { cause: { one } }), { two }),
        );
        const safe = redaction.error(thrown) as Problem;
        const all = [
          redaction.text(text),
          JSON.stringify(redaction.value({ [one]: { text } })),
          inspect(safe, { depth: 9, showHidden: true }),
          safe.stack,
          JSON.stringify(safe.toDocument()),
        ].join('\n');
        expect([...seenIn(all, one), ...seenIn(all, two)]).toEqual([]);
        expect([one, two].filter((value) => all.includes(value.slice(-8)))).toEqual([]);
        expect([safe.code, safe instanceof Problem, /^before .*after$/s.test(safe.message)]).toEqual(['step.failed', true, true]); // prettier-ignore
        expect(redaction.isIn({ deep: [one] }) && !redaction.isIn({ deep: ['none'] })).toBe(true);
      }),
    );
  });

  it('a short one is not told by the gaps: what was thrown is withheld, whether it has it or not', () => {
    fc.assert(
      fc.property(fc.oneof(shortCanary, fc.string({ minLength: 1, maxLength: 7 })), fc.string(), (value, text) => {
        const { error } = redactionOf(of(value), null);
        const said = (message: string) => error(new Problem('node.timeout', message, { message }, message)) as Problem;
        for (const problem of [said(text), said(`${text}${value}`)])
          expect([problem.code, problem.message, problem.extra, problem.cause]).toEqual(['node.timeout', WITHHELD, {}, WITHHELD]); // prettier-ignore
        expect((error(value) as string) === WITHHELD).toBe(true);
      }),
    );
  });

  it('what everybody may read is no secret: a password that is the name of the tenant alters nothing that steps return', () => {
    const redaction = redactionOf(of('tenant-01'), { tenant_id: 'tenant-01' });
    expect(redaction.value({ tenant: 'tenant-01' })).toEqual({ tenant: 'tenant-01' });
    expect(redaction.isIn({ tenant: 'tenant-01' })).toBe(false);
    expect((redaction.error(new Error('no tenant-01')) as Error).message).toBe(`no ${SECRET_SHOWN}`);
  });

  it('a text without one is as it was', () => {
    fc.assert(
      fc.property(canary, fc.string(), (value, text) => {
        expect(redactionOf(of(value), null).text(text)).toBe(text);
      }),
    );
  });
});
