import React from 'react';
import { setBackendSrv } from '@grafana/runtime';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { backendSrvAs, type Grafana } from '../testing/open-app';
import { freePort } from '../testing/ports';
import { ConnectionPage } from './ConnectionPage';

const SETTINGS = '/api/plugins/cloudlysis-control-app/settings';
const saved = jest.fn();

/** What Grafana says to who saves the settings of a plugin. */
const grafana: Grafana = ({ url, method, data }) => {
  expect([method, url]).toEqual(['POST', SETTINGS]);
  saved(data);
  return { status: 200, data: { message: 'Plugin settings updated' } };
};

function openConfiguration(meta: object = {}, url?: string, answer = grafana) {
  saved.mockReset();
  setBackendSrv(backendSrvAs('operator', url, answer));
  render(<ConnectionPage plugin={{ meta: { enabled: true, ...meta } } as never} query={{}} />);
  return userEvent.setup({ pointerEventsCheck: 0 });
}

const address = () => screen.getByRole('textbox', { name: /^Address of the service/ });
const token = () => screen.getByPlaceholderText('Value of PLUGIN_BEARER');
const save = () => screen.getByRole('button', { name: 'Save and test' });
const configured = { jsonData: { apiUrl: 'http://control:4000' }, secureJsonFields: { apiToken: true } };

test('an address must be one, and the service asks for a token', async () => {
  const user = openConfiguration();
  await user.click(save());
  expect(await screen.findByText('An address such as http://control:4000')).toBeInTheDocument();
  await user.type(address(), 'http://control:4000/');
  expect(await screen.findByText('Without a slash at its end')).toBeInTheDocument();
  await user.type(address(), '{backspace}');
  await user.click(save());
  expect(await screen.findByText(/The service asks for it/)).toBeInTheDocument();
  expect(saved).not.toHaveBeenCalled();
});

test('what is saved is tested the whole way', async () => {
  const user = openConfiguration({ enabled: false });
  expect(screen.getByText('The plugin is disabled')).toBeInTheDocument();
  await user.type(address(), 'http://control:4000');
  await user.type(token(), 'secret');
  await user.click(save());
  expect(await screen.findByText('The service is ready')).toBeInTheDocument();
  expect(screen.getByText('user:operator@b.test, operator')).toBeInTheDocument();
  expect(saved).toHaveBeenCalledWith({
    enabled: true,
    pinned: false,
    jsonData: { apiUrl: 'http://control:4000' },
    secureJsonData: { apiToken: 'secret' },
  });
});

test('a token that is set stays as it is', async () => {
  const user = openConfiguration(configured);
  await user.click(save());
  await screen.findByText('The service knows you');
  expect(saved.mock.lastCall[0]).not.toHaveProperty('secureJsonData');
});

test('MIS-04 an address where nobody answers is said so', async () => {
  const user = openConfiguration(configured, `http://127.0.0.1:${await freePort()}`);
  await user.click(save());
  expect(await screen.findByText('Grafana cannot reach the address.')).toBeInTheDocument();
  expect(await screen.findByText('The control plane does not answer')).toBeInTheDocument();
});

test('what Grafana has against saving is said', async () => {
  const refused: Grafana = () => ({ status: 403, data: { message: 'Access denied' } });
  const user = openConfiguration(configured, undefined, refused);
  await user.click(save());
  expect(await screen.findByRole('alert', { name: 'Not saved' })).toHaveTextContent('Access denied');
});
