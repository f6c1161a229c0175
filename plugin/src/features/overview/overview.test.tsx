import { screen, within } from '@testing-library/react';
import { openApp } from '../../testing/open-app';
import { changed } from '../../testing/service';

const KINDS = ['Gateway', 'Aggregate', 'Projection', 'Runner', 'JetStream', 'MongoDB', 'Control plane'];

test('UI-01 one tile per kind of service, with its state and where to look', async () => {
  openApp('/overview?from=now-1h');
  for (const kind of KINDS) {
    const tile = await screen.findByRole('link', { name: new RegExp(`^${kind}\\s*(ok|degraded|unknown)`) });
    expect(tile).toHaveAttribute('href', expect.stringMatching(/(placement|settings)\?from=now-1h/));
  }
});

test('UI-01 every number is the way to its list', async () => {
  const { user, address } = openApp('/overview');
  expect(await screen.findByRole('link', { name: /^\d+ jobs running$/ })).toHaveAttribute(
    'href',
    expect.stringContaining('open=true')
  );
  expect(screen.getByRole('link', { name: /failed or undone in 24 h$/ })).toHaveAttribute(
    'href',
    expect.stringContaining('open=false')
  );
  await user.click(screen.getByRole('link', { name: /^\d+ tenants$/ }));
  expect(await screen.findByRole('link', { name: 'tenant-01' })).toBeInTheDocument();
  expect(address()).toContain('/tenants');
});

test('UI-01 the last changes lead to their jobs', async () => {
  const metadata = { name: 'Twelve' };
  const job = await changed('tenants.update', {
    params: { tenant_id: 'tenant-12' },
    body: { metadata, reason: 'INC-80' },
  });
  const { user, address } = openApp('/overview');
  const changes = within(await screen.findByRole('region', { name: 'Last changes' }));
  await user.click((await changes.findAllByRole('link', { name: 'Edit tenant-12' }))[0]!);
  expect(await screen.findByRole('region', { name: 'Trace' })).toHaveTextContent(job.job_id);
  expect(address()).toContain(job.job_id);
});

test('the app itself opens on the overview', async () => {
  const { address } = openApp('');
  expect(await screen.findByRole('region', { name: /^Needs you/ })).toBeInTheDocument();
  expect(address()).toContain('/overview');
});
