import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Accounts, type Account } from '../accounts/accounts.ts';
import { chooseRoute, fillTemplate, matchRoute, type ProxyRoute, routeHeaders, targetOf } from './proxy-route.ts';

const account = (login: string) => new Accounts().byLogin(login) as Account;
const route = (path: string, more: Partial<ProxyRoute> = {}): ProxyRoute => ({ path, url: 'http://b.test', ...more });
const segment = fc.stringMatching(/^[a-z0-9]{1,5}$/);
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE');
const anyRoute = fc.record({
  path: fc.oneof(
    path,
    path.map((stem) => `${stem}/*`),
  ),
  method: fc.constantFrom('', '*', 'GET', 'POST'),
  url: fc.constant('http://b.test'),
});

it('the first route that fits alone is the one that wins among many', () => {
  fc.assert(
    fc.property(fc.array(anyRoute, { maxLength: 6 }), method, path, (routes, verb, asked) => {
      const first = routes.find((candidate) => matchRoute([candidate], verb, asked));
      expect(matchRoute(routes, verb, asked)?.route).toBe(first);
    }),
  );
});

it('a path without a wildcard matches itself and nothing below it', () => {
  fc.assert(
    fc.property(path, path, method, (stem, below, verb) => {
      expect(matchRoute([route(stem)], verb, stem)?.rest).toBe('');
      expect(matchRoute([route(stem)], verb, `${stem}/${below}`)).toBeUndefined();
    }),
  );
});

it('a wildcard matches everything below its stem, hands over the rest, and does not match the stem', () => {
  fc.assert(
    fc.property(path, path, method, (stem, below, verb) => {
      expect(matchRoute([route(`${stem}/*`)], verb, `${stem}/${below}`)?.rest).toBe(below);
      expect(matchRoute([route(`${stem}/*`)], verb, stem)).toBeUndefined();
      expect(matchRoute([route(`${stem}/*`)], verb, `${stem}x/${below}`)).toBeUndefined();
    }),
  );
});

it('a method is one verb; none and * are every verb; a list of verbs is none of them', () => {
  fc.assert(
    fc.property(method, method, (asked, named) => {
      expect(matchRoute([route('a', { method: named })], asked, 'a') !== undefined).toBe(asked === named);
      expect(matchRoute([route('a', { method: '*' })], asked, 'a')).toBeDefined();
      expect(matchRoute([route('a', { method: '' })], asked, 'a')).toBeDefined();
      expect(matchRoute([route('a', { method: 'GET,POST' })], asked, 'a')).toBeUndefined();
    }),
  );
});

it('MIS-04: the first match refuses a role that does not reach, though a later route would let it through', () => {
  const routes = [route('a/*', { reqRole: 'Editor' }), route('a/b')];
  expect(() => chooseRoute(routes, account('viewer'), 'GET', 'a/b')).toThrow(
    expect.objectContaining({ status: 403, message: 'plugin proxy route access denied' }),
  );
  expect(chooseRoute(routes, account('editor'), 'GET', 'a/b').rest).toBe('b');
  expect(chooseRoute(routes, account('admin'), 'GET', 'a/b').rest).toBe('b');
  expect(() => chooseRoute(routes, account('admin'), 'GET', 'c')).toThrow(
    expect.objectContaining({ status: 404, message: 'plugin route match not found' }),
  );
});

const data = { jsonData: { apiUrl: 'http://b.test:81/base/' }, secureJsonData: { apiToken: 's3cret' } };

it('url and headers are filled from the settings; what they lack reads <no value>, as in Go', () => {
  expect(fillTemplate('{{.JsonData.apiUrl}}|{{ .SecureJsonData.apiToken }}|{{ .JsonData.none }}', data)).toBe(
    'http://b.test:81/base/|s3cret|<no value>',
  );
  const headers = [{ name: 'Authorization', content: 'Bearer {{ .SecureJsonData.apiToken }}' }];
  expect(routeHeaders(route('a', { headers }), data)).toEqual({ Authorization: 'Bearer s3cret' });
});

it('the rest and the query follow the url; a url that is none is a 500', () => {
  const match = { route: route('a/*', { url: '{{ .JsonData.apiUrl }}' }), rest: 'x/y%2Fz' };
  expect(targetOf(match, '?q=1&q=2', data).href).toBe('http://b.test:81/base/x/y%2Fz?q=1&q=2');
  const own = { route: route('a', { url: 'http://b.test/?k=v' }), rest: '' };
  expect(targetOf(own, '?q=1', data).href).toBe('http://b.test/?k=v&q=1');
  expect(() => targetOf(match, '', { ...data, jsonData: {} })).toThrow(expect.objectContaining({ status: 500 }));
});
