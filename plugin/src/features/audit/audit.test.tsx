import { screen, within } from '@testing-library/react';
import { choose, press, refusalOf, rowsOf } from '../../testing/acts';
import { openApp } from '../../testing/open-app';
import { changed } from '../../testing/service';

const tenant_id = 'tenant-08';
const metadata = { name: 'Eight and a half' };

beforeAll(() => changed('tenants.update', { params: { tenant_id }, body: { metadata, reason: 'INC-70: renamed' } }));

test('UI-11 UI-14 a change is found by its tenant and outcome, and read with before and after', async () => {
  const { user, address } = openApp(`/audit?tenant_id=${tenant_id}`);
  await choose(user, 'Filter by outcome', 'succeeded');
  expect(await screen.findByRole('button', { name: 'Remove filter Outcome: succeeded' })).toBeInTheDocument();
  const row = (await rowsOf('records')).find(({ textContent }) => textContent?.includes('INC-70: renamed'))!;
  expect(row).toHaveTextContent('owner@b.test');

  await user.click(within(row).getByRole('button'));
  const record = within(await screen.findByRole('dialog', { name: /^Drawer title #/ }));
  expect(await record.findByText('Who')).toBeInTheDocument();
  expect(record.getByText('Who').nextSibling).toHaveTextContent('user:owner@b.test');
  expect(record.getByText(/Eight and a half/)).toBeInTheDocument();
  expect(record.getAllByText(/Tenant 08/)).not.toHaveLength(0);
  expect(address()).toContain('record=');
});

test('UI-11 AUD-01 the chain is walked, and the verdict is in numbers', async () => {
  const { user } = openApp('/audit');
  await press(user, 'Verify chain');
  expect(await screen.findByText(/^All \S+ records hold$/)).toBeInTheDocument();
});

test('an export takes the page’s filters along', async () => {
  const { user } = openApp(`/audit?tenant_id=${tenant_id}&from=1767225600000`, 'owner');
  await press(user, 'Export');
  const csv = await screen.findByRole('link', { name: 'CSV' });
  const { searchParams } = new URL(csv.getAttribute('href')!, 'http://grafana');
  expect(Object.fromEntries(searchParams)).toEqual({ format: 'csv', tenant_id, from: '2026-01-01T00:00:00.000Z' });
});

test('UI-11 an actor whose login has blanks and other letters is filtered by through the address, and so is the export', async () => {
  const actor = "user:grafana:zoë%20m&ü+李'=1";
  const { user, address } = openApp(`/audit?${new URLSearchParams({ actor }).toString()}`, 'owner');
  expect(await screen.findByText(/^(No records match|Nothing is recorded yet)$/)).toBeInTheDocument();
  await press(user, 'Export');
  const csv = await screen.findByRole('link', { name: 'CSV' });
  expect(new URL(csv.getAttribute('href')!, 'http://grafana').searchParams.get('actor')).toBe(actor);
  expect(new URL(address(), 'http://grafana').searchParams.get('actor')).toBe(actor);
});

test('UI-23 who may not export is told which permission that takes', async () => {
  const { user } = openApp('/audit', 'support');
  expect(await refusalOf(user, 'Export')).toContain('audit.export');
});

test('MIS-07 a time range of the address bounds the list', async () => {
  openApp('/audit?from=2020-01-01T00:00:00.000Z&to=2020-01-02T00:00:00.000Z');
  expect(await screen.findByText(/^(No records match|Nothing is recorded yet)$/)).toBeInTheDocument();
});
