import { screen, waitFor, within } from '@testing-library/react';
import { apply, choose, refusalOf, rowsOf } from '../../testing/acts';
import { openApp } from '../../testing/open-app';
import { changed } from '../../testing/service';

const search = () => screen.findByPlaceholderText('Search by id or name');
const firstTenant = async () => within((await rowsOf('tenants'))[0]!).getByRole('link').textContent;

test('UI-14 search and filters are the address, and go with one press', async () => {
  const { user, address } = openApp('/tenants');
  expect((await rowsOf('tenants')).length).toBeGreaterThanOrEqual(12);
  await user.type(await search(), 'tenant-07');
  expect(await screen.findByText('1 tenant')).toBeInTheDocument();
  expect(address()).toContain('search=tenant-07');

  await choose(user, 'Filter by plan', 'enterprise');
  expect(await screen.findByText('No tenants match')).toBeInTheDocument();
  expect(address()).toContain('plan=enterprise');
  await user.click(screen.getByRole('button', { name: 'Remove filter Plan: enterprise' }));
  expect(await screen.findByRole('link', { name: 'tenant-07' })).toBeInTheDocument();
});

test('UI-14 a filter offers what the platform has', async () => {
  const { user, address } = openApp('/tenants');
  await choose(user, 'Filter by shard', 'r1');
  expect(await screen.findByRole('button', { name: 'Remove filter Shard: r1' })).toBeInTheDocument();
  expect(address()).toContain('shard_id=r1');
});

test('UI-14 a link shows the list as it was; its order turns with the head of the column', async () => {
  const { user, address } = openApp('/tenants?search=tenant-0&sort=-tenant_id&from=now-6h&to=now');
  expect(await search()).toHaveValue('tenant-0');
  expect(await firstTenant()).toBe('tenant-09');
  expect(screen.getByRole('columnheader', { name: 'Tenant' })).toHaveAttribute('aria-sort', 'descending');
  await user.click(screen.getByRole('button', { name: 'Tenant' }));
  await waitFor(async () => expect(await firstTenant()).toBe('tenant-01'));
  expect(address()).toMatch(/sort=tenant_id/);
  expect(screen.getByRole('link', { name: 'tenant-01' })).toHaveAttribute(
    'href',
    expect.stringContaining('from=now-6h&to=now')
  );
});

test('UI-15 what can be done with one tenant is in its row', async () => {
  const { user } = openApp('/tenants?search=tenant-08');
  await user.click(await screen.findByRole('button', { name: 'Actions for tenant-08' }));
  expect(await screen.findByRole('menuitem', { name: /^Pause/ })).toBeInTheDocument();
  expect(screen.queryByRole('menuitem', { name: /^Resume/ })).not.toBeInTheDocument();
  await user.click(screen.getByRole('menuitem', { name: /^Migrate/ }));
  expect(await screen.findByText('Migrate tenant-08 · aggregate')).toBeInTheDocument();
});

test('UI-15 several tenants are one change over all of them', async () => {
  const { user } = openApp('/tenants?sort=tenant_id');
  await user.click(await screen.findByRole('checkbox', { name: 'Select tenant-03' }));
  await user.click(screen.getByRole('checkbox', { name: 'Select tenant-04' }));
  const bar = within(screen.getByRole('toolbar', { name: 'Actions for selected tenants' }));
  expect(bar.getByText('2 selected')).toBeInTheDocument();

  await user.click(bar.getByRole('button', { name: 'Pause …' }));
  expect(await screen.findByText('Pause 2 tenants')).toBeInTheDocument();
  expect(await screen.findByText(/^2 tenants · /)).toBeInTheDocument();
  await apply(user);
  expect(await screen.findByRole('heading', { name: 'Jobs it started · 2 of 2 ended' })).toBeInTheDocument();
  await changed('tenants.bulk_resume', { body: { tenant_ids: ['tenant-03', 'tenant-04'], reason: 'as before' } });
});

test('UI-23 who may only read sees every action, and which permission each one lacks', async () => {
  const { user } = openApp('/tenants?search=tenant-08', 'read-only');
  expect(await refusalOf(user, 'New tenant')).toContain('tenants.create');
  await user.click(await screen.findByRole('button', { name: 'Actions for tenant-08' }));
  const item = await screen.findByRole('menuitem', { name: /^Migrate/ });
  await waitFor(() => expect(item).toHaveTextContent('scale.migrate'));
  expect(item).toBeDisabled();
  expect(screen.getByRole('link', { name: 'Open' })).toHaveAttribute(
    'href',
    expect.stringContaining('/tenants/tenant-08')
  );
});
