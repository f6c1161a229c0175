import { screen, waitForElementToBeRemoved } from '@testing-library/react';
import { openApp } from '../testing/open-app';
import { freePort, wayThrough } from '../testing/ports';

/** Away is looked at again every 3 s, after two quick tries. */
const SOON = { timeout: 20_000 };

test('MIS-04 NFR-08 a service that is away has its own state, and the page comes back by itself', async () => {
  const port = await freePort();
  openApp('/tenants', 'operator', `http://127.0.0.1:${port}`);
  expect(await screen.findByText('The control plane does not answer', {}, SOON)).toBeInTheDocument();
  expect(screen.getByText(/^The page tries again by itself/)).toBeInTheDocument();

  const close = await wayThrough(port);
  expect(await screen.findByRole('link', { name: 'tenant-01' }, SOON)).toBeInTheDocument();
  expect(screen.queryByText('The control plane does not answer')).not.toBeInTheDocument();
  await close();
}, 60_000);

test('MIS-04 NFR-08 what was read stays in sight while the service is away, with its age', async () => {
  const port = await freePort();
  const close = await wayThrough(port);
  openApp('/tenants', 'operator', `http://127.0.0.1:${port}`);
  expect(await screen.findByRole('link', { name: 'tenant-01' })).toBeInTheDocument();

  await close();
  const strip = await screen.findByText(/What you see was read/, {}, SOON);
  expect(screen.getByRole('link', { name: 'tenant-01' })).toBeInTheDocument();
  const again = await wayThrough(port);
  await waitForElementToBeRemoved(strip, SOON);
  await again();
}, 60_000);

test.each([
  ['/overview', 'ops.view'],
  ['/tenants', 'tenants.view'],
  ['/tenants/tenant-01', 'tenants.view'],
  ['/placement', 'scale.view'],
  ['/jobs', 'ops.view'],
  ['/audit', 'audit.view'],
  ['/settings', 'ops.view'],
])('UI-23 %s says that %s is missing, and shows no empty list', async (path, permission) => {
  openApp(path, 'nobody');
  expect(await screen.findByRole('status', { name: 'You may not see this page' })).toHaveTextContent(permission);
  expect(screen.queryByRole('table')).not.toBeInTheDocument();
});

test.each([
  ['/tenants', 'No tenants yet', /^Creating one makes its stream and consumers/],
  ['/jobs', 'Nothing was changed yet', /^Every change becomes a job/],
])('UI-18 where there is nothing yet, %s says so, and what to do first', async (path, message, first) => {
  openApp(path, 'newcomer');
  expect(await screen.findByText(message)).toBeInTheDocument();
  expect(screen.getByText(first)).toBeInTheDocument();
});

test('an address that is no page says so', async () => {
  openApp('/fleets');
  expect(await screen.findByText('There is no such page')).toBeInTheDocument();
});
