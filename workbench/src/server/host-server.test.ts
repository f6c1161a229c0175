import { expect, it } from '@jest/globals';
import { ID, runHost, type RunningHost } from './running-host.fixture.ts';

const signIn = (host: RunningHost, user: string, password = user) =>
  fetch(`${host.url}/login`, { method: 'POST', body: JSON.stringify({ user, password }) });
const cookieOf = (answer: Response) => answer.headers.get('set-cookie')?.split(';')[0] ?? '';
const bodyOf = async (answer: Response) => (await answer.json()) as Record<string, unknown>;
const json = async (answer: Response) => [answer.status, await bodyOf(answer)] as const;
const send = (host: RunningHost, method: string, path: string, body: object, login: 'admin' | 'viewer' = 'admin') =>
  fetch(host.url + path, { method, body: JSON.stringify(body), headers: host.as(login) });
const page = async (host: RunningHost, path: string, cookie: string) =>
  (await fetch(host.url + path, { headers: { cookie } })).text();

it('who is not signed in is sent to the sign-in and back, and the API answers 401', async () => {
  await using host = await runHost({});
  const away = await fetch(`${host.url}/a/${ID}/one?x=1`, { redirect: 'manual' });
  expect(away.status).toBe(302);
  const login = away.headers.get('location') ?? '';
  expect(login).toBe(`/login?redirectTo=${encodeURIComponent(`/a/${ID}/one?x=1`)}`);
  const body = new URLSearchParams({ user: 'viewer', password: 'viewer' });
  const back = await fetch(host.url + login, { method: 'POST', body, redirect: 'manual' });
  expect([back.status, back.headers.get('location')]).toEqual([302, `/a/${ID}/one?x=1`]);
  expect(await json(await fetch(`${host.url}/api/user`))).toEqual([401, { message: 'Unauthorized' }]);
  expect((await fetch(`${host.url}/api/health`)).status).toBe(200);
});

it('a sign-in sets an HttpOnly Lax cookie that the sign-out ends; a wrong password does not', async () => {
  await using host = await runHost({});
  const answer = await signIn(host, 'editor');
  expect(answer.headers.get('set-cookie')).toMatch(/^grafana_session=\w{32}; Path=\/; HttpOnly; SameSite=Lax$/);
  const headers = { cookie: cookieOf(answer) };
  expect(await json(await fetch(`${host.url}/api/user`, { headers }))).toMatchObject([200, { login: 'editor' }]);
  await fetch(`${host.url}/logout`, { headers, redirect: 'manual' });
  expect((await fetch(`${host.url}/api/user`, { headers })).status).toBe(401);
  const wrong = await signIn(host, 'editor', 'x');
  expect([wrong.status, cookieOf(wrong)]).toEqual([401, '']);
});

it('a sign-in link works for the demo users alone, and leads nowhere but to this server', async () => {
  await using host = await runHost({});
  const follow = (query: string) => fetch(`${host.url}/login?${query}`, { redirect: 'manual' });
  const direct = await follow(`user=viewer&redirectTo=/a/${ID}`);
  expect([direct.status, direct.headers.get('location')]).toEqual([302, `/a/${ID}`]);
  for (const elsewhere of ['//evil.test', '/\\evil.test', 'http://evil.test']) {
    const safe = await follow(new URLSearchParams({ user: 'viewer', redirectTo: elsewhere }).toString());
    expect(safe.headers.get('location')).toBe('/');
  }
  await send(host, 'POST', '/api/admin/users', { login: 'ada', password: 'other' });
  expect((await follow('user=ada')).status).toBe(200);
});

it('a page carries boot data for its user: role, version, theme, and the navigation that role may see', async () => {
  await using host = await runHost({});
  const boot = async (login: string, path = `/a/${ID}/one`) => {
    const html = await page(host, path, cookieOf(await signIn(host, login)));
    return JSON.parse(/grafanaBootData=(.*)<\/script>/.exec(html)?.[1] ?? '');
  };
  const viewer = await boot('viewer');
  expect(viewer.user).toMatchObject({ login: 'viewer', orgRole: 'Viewer', isGrafanaAdmin: false, theme: 'dark' });
  expect(viewer.settings).toMatchObject({ buildInfo: { version: '12.2.1' }, namespace: 'default' });
  const pagesOf = (data: typeof viewer) =>
    data.navTree
      .find(({ id }: { id: string }) => id === 'apps')
      .children[0].children.map(({ text }: { text: string }) => text);
  expect(pagesOf(viewer)).toEqual(['One']);
  expect(pagesOf(await boot('admin'))).toEqual(['One', 'Secret']);
  expect((await boot('viewer', `/a/${ID}/one?theme=light`)).user.lightTheme).toBe(true);
  await send(host, 'PUT', '/api/user/preferences', { theme: 'light' }, 'viewer');
  expect((await boot('viewer')).user.theme).toBe('light');
});

it('the home page does not load the host at once, every other page does', async () => {
  await using host = await runHost({});
  const cookie = cookieOf(await signIn(host, 'admin'));
  expect(await page(host, '/', cookie)).not.toContain('<script type="module"');
  expect(await page(host, `/a/${ID}`, cookie)).toContain('<script type="module" src="/public/build/main.js?v=b1">');
});

it('settings take effect at once, are an administrator’s to change, and never give a secret back', async () => {
  await using host = await runHost({ jsonData: { apiUrl: 'http://b' } });
  const path = `/api/plugins/${ID}/settings`;
  const read = async () => bodyOf(await fetch(host.url + path, { headers: host.as('viewer') }));
  expect(await read()).toMatchObject({
    enabled: true,
    jsonData: { apiUrl: 'http://b' },
    secureJsonFields: { apiToken: true },
  });
  expect((await send(host, 'POST', path, { enabled: true }, 'viewer')).status).toBe(403);
  const change = { enabled: false, pinned: true, jsonData: { other: 1 }, secureJsonData: { second: 'hush' } };
  expect(await json(await send(host, 'POST', path, change))).toEqual([200, { message: 'Plugin settings updated' }]);
  const after = await read();
  expect(after).toMatchObject({ enabled: false, pinned: true, jsonData: { other: 1 } });
  expect(after.secureJsonFields).toEqual({ apiToken: true, second: true });
  expect(JSON.stringify(after)).not.toMatch(/s3cret|hush/);
  await send(host, 'POST', path, { enabled: true, secureJsonData: { apiToken: '' } });
  expect(await read()).toMatchObject({ enabled: true, jsonData: {}, secureJsonFields: { second: true } });
});

it('users are made, found and given a role by the calls that @grafana/plugin-e2e makes', async () => {
  await using host = await runHost({});
  const user = { name: 'ada', login: 'ada', password: 'pw' };
  const [status, { id }] = await json(await send(host, 'POST', '/api/admin/users', user));
  expect(status).toBe(200);
  expect((await send(host, 'POST', '/api/admin/users', user)).status).toBe(412);
  const found = await fetch(`${host.url}/api/users/lookup?loginOrEmail=ada`, { headers: host.as('admin') });
  expect(await json(found)).toMatchObject([200, { id }]);
  expect((await send(host, 'PATCH', `/api/org/users/${id}`, { role: 'Editor' })).status).toBe(200);
  const cookie = cookieOf(await signIn(host, 'ada', 'pw'));
  expect(await page(host, `/a/${ID}`, cookie)).toContain('"orgRole":"Editor"');
  expect((await send(host, 'POST', '/api/admin/users', { login: 'eve', password: 'x' }, 'viewer')).status).toBe(403);
});

it('files are served from the build alone, and revalidated by their ETag', async () => {
  await using host = await runHost({});
  const url = `${host.url}/public/plugins/${ID}/module.js`;
  const first = await fetch(`${url}?_cache=1`);
  expect([first.status, await first.text()]).toEqual([200, 'define([],()=>({}))']);
  const again = await fetch(url, { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
  expect(again.status).toBe(304);
  expect((await fetch(`${host.url}/public/plugins/${ID}/..%2f..%2fetc%2fpasswd`)).status).toBe(404);
  expect((await fetch(`${host.url}/public/plugins/${ID}/none.js`)).status).toBe(404);
});
