// Secrets that are known when they are seen, in every form that a text may carry them in.
import { inspect } from 'node:util';
import fc from 'fast-check';

const NASTY = [
  `"it's"`, 'a\nb\r\n\tc\0d', '{"password":"x"}', 'https://u:p@h.test/a?b=c&d=%41#e', '$& $1 $$ ${x} $`', '<b>&amp;</b>', '日本語 🔑 é',
  '\\u0041\\n', '  blanks  ', '%s %d %j', '\u202e\u2028', '../../etc', '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END KEY-----',
]; // prettier-ignore

/** No two are the same, and none is in anything by chance. */
export const canary: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...NASTY), fc.constantFrom(...NASTY), fc.uuid(), fc.boolean())
  .map(([a, b, id, first]) => {
    const mark = `Qz${id.replaceAll('-', '').slice(0, 14)}`;
    return first ? mark + a + b : a + mark + b;
  });

/** One or two characters that stand in no text of ours. */
export const shortCanary = fc.constantFrom('☢', '⌘', '☃☃', '🐤', '§☂');

/** The forms of it that are in a text. */
export function seenIn(text: string, value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const coded = [hex, ...base64, ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
  const url = encodeURIComponent(value);
  const forms = [
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    inspect(value).slice(1, -1),
    url,
    encodeURI(value),
    new URLSearchParams([['', value]]).toString().slice(1),
    // Fewer are in the random parts of hashes and ids by chance.
    ...coded.filter((form) => form.length >= 12),
    // Whatever was done to the rest.
    ...(/Qz[0-9a-f]{14}/.exec(value) ?? []),
  ];
  const folded = text.toLowerCase();
  return [...new Set(forms)].filter((form) => text.includes(form) || folded.includes(form.toLowerCase()));
}
