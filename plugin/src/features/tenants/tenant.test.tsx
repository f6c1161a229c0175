import { screen, within } from '@testing-library/react';
import { refusalOf, rowsOf } from '../../testing/acts';
import { openApp } from '../../testing/open-app';
import { changed } from '../../testing/service';

const group = async (name: string) => within(await screen.findByRole('region', { name }));

test('UI-40 a tenant at a glance, each assignment a way on', async () => {
  openApp('/tenants/tenant-06?from=now-1h&to=now');
  expect((await group('Now')).getByText('Status').nextSibling).toHaveTextContent(/^active: served by aggregate\/a/);
  expect((await group('Agreement')).getByText('Plan').nextSibling).toHaveTextContent('free');
  const home = (await group('Assignments')).getAllByRole('link')[0]!;
  expect(home).toHaveAttribute('href', expect.stringMatching(/placement\/tenants\?shard_id=.*&from=now-1h&to=now/));
});

test('TEN-15 UI-20 UI-41 UI-42 MIS-07 the tabs are addresses, and the tenant and the time travel along', async () => {
  const { user, address } = openApp('/tenants/tenant-06?from=now-1h&to=now');
  await user.click(await screen.findByRole('link', { name: 'Placement' }));
  expect((await rowsOf('Placements')).map((row) => row.firstChild?.textContent)).toEqual([
    'aggregate',
    'projection',
    'runner',
  ]);
  expect(address()).toMatch(/tenant-06\/placement\?var-tenant_id=tenant-06&from=now-1h&to=now/);

  await user.click(screen.getByRole('link', { name: 'Health' }));
  expect((await rowsOf('Nodes')).map((row) => row.textContent)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^a\d · aggregateready.*yesserving/),
      expect.stringMatching(/^r\d · runnerready/),
    ])
  );
});

test('UI-45 the activity of a tenant is its audit trail alone', async () => {
  await changed('tenants.pause', { params: { tenant_id: 'tenant-11' }, body: { reason: 'INC-60: asked for' } });
  const { user } = openApp('/tenants/tenant-11/activity');
  const records = await rowsOf('records');
  expect(records.length).toBeGreaterThan(0);
  expect(records[0]).toHaveTextContent('INC-60: asked for');
  expect(records.every((row) => /tenant-11|job/.test(row.textContent ?? ''))).toBe(true);
  expect(screen.queryByRole('combobox', { name: 'Filter by tenant' })).not.toBeInTheDocument();
  await user.click(screen.getByRole('link', { name: 'Jobs of this tenant' }));
  expect((await rowsOf('jobs'))[0]).toHaveTextContent('tenants.pause');
});

test('a tenant that is paused is offered to be resumed', async () => {
  openApp('/tenants/tenant-11');
  expect(await screen.findByRole('button', { name: 'Resume' })).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: 'Pause' })).not.toBeInTheDocument();
});

test('UI-23 support may pause and not migrate, and is told what is missing', async () => {
  const { user } = openApp('/tenants/tenant-06', 'support');
  expect(await refusalOf(user, 'Migrate')).toContain('scale.migrate');
  expect(screen.getByRole('button', { name: 'Pause' })).toHaveAttribute('aria-disabled', 'false');
});

test('a tenant that there is not is said so, with the code', async () => {
  openApp('/tenants/nobody-home');
  expect(await screen.findByText('No such tenant')).toBeInTheDocument();
  expect(screen.getByText(/tenant\.unknown/)).toBeInTheDocument();
});
