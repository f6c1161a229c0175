import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import React, { useLayoutEffect } from 'react';
import { EventBusSrv } from '@grafana/data';
import { setAppEvents, setBackendSrv } from '@grafana/runtime';
import {
  EXAMPLES,
  Json,
  line,
  mapOf,
  mutation,
  Reason,
  secret,
  SERVICE_KINDS,
  ServiceKind,
  setOf,
  Timestamp,
  type Me,
} from '@cloudlysis/contract';
import { QueryClientProvider } from '@tanstack/react-query';
import { PortalContainer } from '@grafana/ui';
import { fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { MemoryRouter, useLocation } from 'react-router';
import { z } from 'zod';
import { createQueryClient } from '../../api/control';
import { fieldOf } from '../../change/field-of';
import { formOf } from '../../change/form-spec';
import { FollowedChanges } from '../../change/open-changes';
import type { Feature } from '../../feature';
import { FeatureProvider, joined } from '../../shell/FeatureProvider';
import { backendSrvAs } from '../../testing/open-app';
import { ChangeDrawer } from '../ChangeDrawer';

/** A change that is asked for with a value of every kind, under the address of one that there is. */
const ID = 'scale.drift.repair';
const repair = mutation(ID, {
  path: '/scale/drift/repair',
  summary: 'A change with every kind of field',
  permission: 'scale.apply',
  risk: 'low',
  body: z.strictObject({
    note: line(20).optional(),
    token: secret().optional(),
    share: z.number().min(0).optional(),
    active: z.boolean().optional(),
    at: Timestamp.optional(),
    kind: ServiceKind.optional(),
    kinds: setOf(ServiceKind, { max: 4 }).optional(),
    labels: mapOf(line(20), 5).optional(),
    limits: mapOf(z.number().min(0), 5).optional(),
    flags: mapOf(z.boolean(), 5).optional(),
    config: Json.optional(),
    manifest: z.strictObject({ name: line(20), replicas: z.int().min(1) }).optional(),
    vault: z.strictObject({ password: secret() }).optional(),
    reason: Reason,
  }),
});
const field = (name: string, label: string, more = {}) => fieldOf(repair, name, { label, ...more });
const everyKind: Feature = {
  pages: [],
  changes: { [ID]: { verb: 'Repair', title: () => 'Every kind of field' } },
  forms: () =>
    Promise.resolve([
      formOf(repair, {
        fields: [
          field('active', 'Active'),
          field('at', 'Begin'),
          field('kinds', 'Services', { options: { gateway: 'the gateway' } }),
          field('labels', 'Labels'),
          field('limits', 'Limits'),
          field('flags', 'Flags'),
          field('config', 'Configuration'),
          field('manifest', 'Manifest', { written: 'yaml' }),
        ],
      }),
    ]),
};

const PLAN = EXAMPLES['scale.migrate.preflight']!.answers![200];
const me: Me = {
  principal: { id: 'user:bob@acme.test', kind: 'user', email: 'bob@acme.test', via: 'grafana' },
  assignments: [],
  tenant_id: null,
  abilities: { [ID]: { allowed: true, reason: null } },
  environment: 'dev',
  environments: [{ id: 'dev', tier: 'dev' }],
  version: '0.1.0',
  git_sha: null,
  mode: 'development',
};

let server: Server;
const asked: unknown[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => {
      const isPlan = request.url?.endsWith('/preflight');
      if (isPlan) {
        asked.push(JSON.parse(text));
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(isPlan ? PLAN : me));
    });
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
});
afterAll(() => server.close());

let address = '';
function Address() {
  const { search } = useLocation();
  useLayoutEffect(() => {
    address = search;
  });
  return null;
}

function openForm(search: string) {
  asked.length = 0;
  setBackendSrv(backendSrvAs('owner', `http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  setAppEvents(new EventBusSrv());
  const { unmount } = render(
    <MemoryRouter initialEntries={[`/${search}`]} future={{ v7_startTransition: true, v7_relativeSplatPath: true }}>
      <QueryClientProvider client={createQueryClient()}>
        <FeatureProvider known={joined([everyKind])}>
          <FollowedChanges>
            <ChangeDrawer />
          </FollowedChanges>
        </FeatureProvider>
      </QueryClientProvider>
      <Address />
      <PortalContainer />
    </MemoryRouter>
  );
  return { user: userEvent.setup({ pointerEventsCheck: 0, delay: null }), unmount };
}
const link = (input: object = {}): string =>
  `?${new URLSearchParams({ change: ID, intent: crypto.randomUUID(), input: JSON.stringify(input) }).toString()}`;
const lastAsked = (expected: object) => waitFor(() => expect(asked.at(-1)).toEqual(expected));
const group = async (name: string) => within(await screen.findByRole('group', { name }));

test.each([
  ['note', { kind: 'text' }],
  ['token', { kind: 'secret' }],
  ['share', { kind: 'number' }],
  ['active', { kind: 'boolean' }],
  ['at', { kind: 'date-time' }],
  ['kind', { kind: 'choice', options: SERVICE_KINDS.map((value) => ({ value, label: value })) }],
  ['kinds', { kind: 'choices', options: SERVICE_KINDS.map((value) => ({ value, label: value })) }],
  ['labels', { kind: 'map', values: 'text' }],
  ['limits', { kind: 'map', values: 'number' }],
  ['flags', { kind: 'map', values: 'boolean' }],
  ['config', { kind: 'json' }],
  ['manifest', { kind: 'json' }],
  ['manifest.replicas', { kind: 'number' }],
  ['vault.password', { kind: 'secret' }],
])('UI-21 the kind of %s comes from the contract', (name, kind) => {
  expect(field(name, 'It')).toEqual({ name, label: 'It', ...kind });
});

test.each(['nothing', 'manifest.nothing', 'vault', 'constructor'])('SEC-02 no field is made of %s', (name) => {
  expect(() => field(name, 'It')).toThrow(ID);
});

test('UI-21 a yes or no, an instant and several choices are given by the keyboard alone', async () => {
  const { user } = openForm(link());
  const active = await screen.findByRole('switch', { name: 'Active' });
  active.focus();
  await user.keyboard(' ');
  await lastAsked({ active: true });
  await user.tab();
  expect(screen.getByLabelText('Begin')).toHaveFocus();
  fireEvent.change(screen.getByLabelText('Begin'), { target: { value: '2026-11-26T21:30' } });
  await lastAsked({ active: true, at: '2026-11-26T21:30:00.000Z' });
  await user.tab();
  expect(screen.getByRole('combobox', { name: /^Services/ })).toHaveFocus();
  await user.keyboard('gateway');
  await user.click(await screen.findByRole('option', { name: /the gateway/ }));
  await lastAsked({ active: true, at: '2026-11-26T21:30:00.000Z', kinds: ['gateway'] });
});

test('UI-21 a map is rows of a name and a value; what is half said or said twice is held back', async () => {
  const { user } = openForm(link({ labels: { zone: 'eu' } }));
  const labels = await group('Labels');
  expect(labels.getByRole('textbox', { name: 'Value of zone' })).toHaveValue('eu');
  labels.getByRole('button', { name: 'Add to labels' }).focus();
  await user.keyboard('{Enter}');
  expect(labels.getByRole('textbox', { name: 'Name 2' })).toHaveFocus();
  await user.keyboard('zone{Tab}us');
  expect(await screen.findByText('“zone” is there twice')).toBeInTheDocument();
  expect(screen.getByRole('button', { name: /^Apply/ })).toBeDisabled();
  await user.clear(labels.getByRole('textbox', { name: 'Name 2' }));
  expect(await screen.findByText('A name is missing')).toBeInTheDocument();
  await user.type(labels.getByRole('textbox', { name: 'Name 2' }), 'é');
  expect(await screen.findByText(/^é: A key is 1 to 64 letters/)).toBeInTheDocument();
  await user.click(labels.getByRole('button', { name: 'Remove é' }));
  expect(labels.getByRole('button', { name: 'Add to labels' })).toHaveFocus();
  await lastAsked({ labels: { zone: 'eu' } });

  await user.click((await group('Limits')).getByRole('button'));
  await user.keyboard('seats{Tab}12');
  await user.click((await group('Flags')).getByRole('button'));
  await user.keyboard('beta{Tab} ');
  await lastAsked({ labels: { zone: 'eu' }, limits: { seats: 12 }, flags: { beta: true } });
  expect(asked).not.toContainEqual(expect.objectContaining({ labels: expect.objectContaining({ zone: 'us' }) }));
});

test('UI-21 JSON that cannot be read is said, never sent, and kept as it was typed', async () => {
  const { user, unmount } = openForm(link({ config: { a: 1 } }));
  const config = await screen.findByRole('textbox', { name: 'Configuration' });
  expect(config).toHaveValue('{\n  "a": 1\n}');
  await lastAsked({ config: { a: 1 } });
  const before = asked.length;
  await user.clear(config);
  await user.paste('{"a": [1,');
  expect(await screen.findByText(/^This is no JSON/)).toBeInTheDocument();
  await waitFor(() => expect(new URLSearchParams(address).get('input')).toContain('[1,'));
  unmount();

  openForm(address);
  expect(await screen.findByRole('textbox', { name: 'Configuration' })).toHaveValue('{"a": [1,');
  expect(await screen.findByText(/^This is no JSON/)).toBeInTheDocument();
  expect(screen.getByRole('button', { name: /^Apply/ })).toBeDisabled();
  expect([before, asked]).toEqual([expect.any(Number), []]);
  fireEvent.change(screen.getByRole('textbox', { name: 'Configuration' }), {
    target: { value: '{"a": [1, null, "x"]}' },
  });
  await lastAsked({ config: { a: [1, null, 'x'] } });
});

test('UI-21 YAML is read as what it means, and the contract says at the field what does not fit', async () => {
  openForm(link({ manifest: { name: 'web', replicas: 1 } }));
  const manifest = () => screen.getByRole('textbox', { name: 'Manifest' });
  await waitFor(() => expect(manifest()).toHaveValue('name: web\nreplicas: 1\n'));
  const type = (value: string) => fireEvent.change(manifest(), { target: { value } });
  type('name: web\nname: twice\n');
  expect(await screen.findByText(/^This is no YAML/)).toBeInTheDocument();
  type('# by hand\nname: "on"\nreplicas: 3\n');
  await lastAsked({ manifest: { name: 'on', replicas: 3 } });
  type('{"name": "json", "replicas": 2}');
  await lastAsked({ manifest: { name: 'json', replicas: 2 } });
});
