import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EXAMPLES, SECRET_SHOWN, type Job } from '@cloudlysis/contract';
import { screen, waitFor } from '@testing-library/react';
import fc from 'fast-check';
import { openApp, type OpenedApp } from '../testing/open-app';
import { service } from '../testing/service';
import { lostSecrets, shownInput, withoutSecrets } from './secret-fields';

const JOB_ID = 'job_01935c5e-6f00-7a3b-9c1d-2f4e6a8b0c1d';
const AT = '2026-11-21T09:26:00.000Z';
const PLAN = EXAMPLES['scale.migrate.preflight']!.answers![200];
const job = (state: Job['state']) => ({
  job_id: JOB_ID,
  kind: 'scale.migrate',
  state,
  actor: 'user:a@b.test',
  reason: 'why',
  tenant_id: 'tenant-01',
  lane: 'tenant:tenant-01',
  input: { tenant_id: 'tenant-01', kind: 'aggregate', to: 'a2', password: SECRET_SHOWN },
  secrets: ['password', 'smtp/token'],
  plan: PLAN,
  steps: [],
  proof: null,
  problem: null,
  undo: null,
  version: 1,
  waiting: null,
  fence: 1,
  owner: null,
  parent_job_id: null,
  retry_of: null,
  request_id: 'r',
  trace_id: null,
  audit_record_id: 'aud_01935c5e-6f00-7a3b-9c1d-2f4e6a8b0c1d',
  created_at: AT,
  started_at: AT,
  ended_at: AT,
});

/** The real service, but for one failed job that had secrets: no change of today's catalogue has any. */
let server: Server;
let url: string;
const asked: Array<{ path: string; body: any }> = [];
const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
  }
  return text;
};

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const path = String(request.url).replace('/admin/v1', '');
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const body = await bodyOf(request);
    if (!path.startsWith(`/jobs/${JOB_ID}`)) {
      const headers = { authorization: String(request.headers.authorization) };
      const real = await fetch(service().url + request.url, { headers });
      return response.writeHead(real.status, { 'content-type': 'application/json' }).end(await real.text());
    }
    if (request.method === 'GET') {
      return answer(200, job('failed'));
    }
    asked.push({ path, body: JSON.parse(body) });
    return path.endsWith('/preflight') ? answer(200, PLAN) : answer(202, { job_id: JOB_ID, state: 'queued' });
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const link = (input: object): string =>
  `/jobs?${new URLSearchParams({ change: 'jobs.retry', intent: crypto.randomUUID(), input: JSON.stringify(input) }).toString()}`;
const canaries = ['Qz41-"it\'s" {a} & ?x=1#', 'Qz42\\n日本 %41$&'] as const;
/** Everything that outlives the form, and what others may read of it. */
const kept = (app: OpenedApp): string => {
  const address = app.address();
  const cache = app.queries.getQueryCache().getAll().map(({ queryKey, state }) => [queryKey, state.data]); // prettier-ignore
  const changes = app.queries.getMutationCache().getAll().map(({ state }) => state); // prettier-ignore
  return [
    address,
    decodeURIComponent(address),
    location.href,
    ...Object.values(sessionStorage),
    ...Object.values(localStorage),
    JSON.stringify([cache, changes]),
    document.title,
    document.body.textContent,
  ].join('\n');
};
const applyButton = () => screen.getByText(/^Apply/).closest('button')!;
const field = (name: string) => screen.findByLabelText(name, { exact: false, selector: 'input' });

jest.setTimeout(60_000);

test('SEC-01 SEC-02 UI-21 the secrets of a job are typed again to try it again, and are kept nowhere but in the fields', async () => {
  const app = openApp(link({ job_id: JOB_ID, secrets: { password: `${canaries[0]}old` } }), 'owner', url);
  const { user, address } = app;
  const password = await field('password');
  expect(password).toHaveAttribute('type', 'password');
  expect(password).toHaveAttribute('autocomplete', 'new-password');
  expect(password).toHaveValue('');
  await waitFor(() => expect(kept(app)).not.toContain('Qz41'));
  expect(await screen.findByText(/type it again \(secrets\.password\)/)).toBeInTheDocument();
  expect(asked).toEqual([]);

  await user.click(password);
  await user.paste(canaries[0]);
  await user.click(await field('smtp token'));
  await user.paste(canaries[1]);
  await waitFor(() => expect(asked.at(-1)?.body).toEqual({ secrets: { password: canaries[0], 'smtp/token': canaries[1] } })); // prettier-ignore
  await waitFor(() => expect(address()).toContain(encodeURIComponent(`"password":"${SECRET_SHOWN}"`)));
  expect(kept(app)).not.toMatch(/Qz4[12]/);

  // By what they are and not by their roles, which jsdom takes seconds for here.
  await user.click(screen.getByPlaceholderText('INC-42: a1 disk latency'));
  await user.paste('INC-42: disk latency');
  await waitFor(() => expect(applyButton()).toBeEnabled());
  await user.click(applyButton());
  await waitFor(() => expect(asked.at(-1)?.path).toBe(`/jobs/${JOB_ID}/retry`));
  expect(asked.at(-1)?.body).toEqual({ reason: 'INC-42: disk latency', secrets: { password: canaries[0], 'smtp/token': canaries[1] } }); // prettier-ignore
  expect(await screen.findByLabelText('State of the job')).toHaveTextContent('failed');
  expect(kept(app) + document.body.innerHTML).not.toMatch(/Qz4[12]/);
});

test('SEC-02 a form that is loaded anew says that its secrets must be typed again, and asks for no plan before', async () => {
  asked.length = 0;
  openApp(link({ job_id: JOB_ID, secrets: { password: SECRET_SHOWN } }), 'owner', url);
  expect(await field('password')).toHaveValue('');
  expect(await screen.findByText(/type it again \(secrets\.password\)/)).toBeInTheDocument();
  expect(applyButton()).toBeDisabled();
  // What the form before it asked for may still arrive.
  expect(asked.filter(({ body }) => !JSON.stringify(body).includes(JSON.stringify(canaries[0])))).toEqual([]);
});

test('SEC-02 whatever a secret is, what is seen of an input is without it, and an address brings none', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.uuid(), (value, id) => {
      const secrets = { password: `${id}${value}`, 'smtp/token': `${value}${id}` };
      const input = { job_id: JOB_ID, secrets };
      expect(JSON.stringify([shownInput('jobs.retry', input), withoutSecrets('jobs.retry', input)])).not.toContain(id);
      expect(withoutSecrets('jobs.retry', shownInput('jobs.retry', input))).toEqual({ job_id: JOB_ID, secrets: {} });
      expect(lostSecrets('jobs.retry', input)).toEqual(['secrets.password', 'secrets.smtp~1token']);
    })
  );
  expect(shownInput('scale.migrate', { tenant_id: 'acme' })).toEqual({ tenant_id: 'acme' });
});
