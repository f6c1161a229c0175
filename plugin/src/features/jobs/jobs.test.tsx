import { screen, within } from '@testing-library/react';
import { press, rowsOf } from '../../testing/acts';
import { openApp } from '../../testing/open-app';
import { changed, fault, serviceAs } from '../../testing/service';

const reason = 'INC-50: unpaid';

test('GEN-36 UI-14 UI-16 UI-17 API-04 the list leads to a job with its plan, steps and trace, and on to its record', async () => {
  await changed('tenants.pause', { params: { tenant_id: 'tenant-09' }, body: { reason } }, 'operator');
  const { user, address } = openApp('/jobs?tenant_id=tenant-09');
  expect(await screen.findByRole('button', { name: 'Remove filter Tenant: tenant-09' })).toBeInTheDocument();
  expect((await rowsOf('jobs'))[0]).toHaveTextContent(
    /tenants\.pause\s*succeeded\s*tenant-09\s*INC-50: unpaid\s*operator@b\.test/
  );

  await user.click(screen.getByRole('link', { name: 'tenants.pause' }));
  const plan = await screen.findByRole('region', { name: 'Plan that was applied' });
  expect(within(plan).getByText('Blast radius')).toBeInTheDocument();
  const steps = screen.getAllByRole('listitem').filter((item) => item.closest('[aria-label=Steps]'));
  expect(steps.length).toBeGreaterThan(0);
  expect(steps.every((step) => step.textContent?.includes('done'))).toBe(true);

  const trace = within(screen.getByRole('region', { name: 'Trace' }));
  expect(trace.getByText('Lane').nextSibling).toHaveTextContent('tenant:tenant-09');
  expect(trace.getByText('Fencing token').nextSibling).toHaveTextContent(/^\d+$/);
  expect(trace.getByText('Request').nextSibling).not.toBeEmptyDOMElement();
  await user.click(trace.getByText('Audit record').nextSibling!.firstChild as HTMLElement);
  expect(await screen.findByRole('dialog', { name: /^Drawer title #/ })).toHaveTextContent('tenants.pause');
  expect(address()).toMatch(/\/audit\?record=.*&job_id=job_/);
});

test('API-04 a job that failed says at which step and why, what was undone, and may be tried again', async () => {
  const { placements } = await serviceAs('operator').read('tenants.get', { params: { tenant_id: 'tenant-10' } });
  const home = placements.find(({ kind }) => kind === 'projection')!.shard_id;
  await fault(home, { refuse_drain: true });
  const body = {
    tenant_id: 'tenant-10',
    kind: 'projection' as const,
    to: home === 'p1' ? 'p2' : 'p1',
    reason: 'INC-51',
  };
  const job = await changed('scale.migrate', { body }).finally(() => fault(home, { refuse_drain: false }));
  expect(job.state).not.toBe('succeeded');

  const { user } = openApp(`/jobs/${job.job_id}`);
  expect(await screen.findByRole('status', { name: 'State of the job' })).toHaveTextContent(job.state);
  expect(screen.getByRole('alert', { name: job.problem!.title })).toHaveTextContent(job.problem!.detail);
  expect(screen.getByRole('list', { name: 'Steps' })).toHaveTextContent(
    /^undoneDrain tenant-10.*this node refuses to drain.*not run/
  );
  await press(user, 'Try again');
  expect(await screen.findByText(`Try ${job.job_id} again`)).toBeInTheDocument();
});

test('UI-14 what no job matches is not an empty list without a word', async () => {
  const { user, address } = openApp('/jobs?tenant_id=tenant-12&state=cancelling');
  expect(await screen.findByText('No jobs match')).toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Clear filters' }));
  expect(await rowsOf('jobs')).not.toHaveLength(0);
  expect(address()).not.toContain('?');
});

test('a job that there is not is said so, with the code', async () => {
  openApp('/jobs/job_00000000-0000-0000-0000-000000000000');
  expect(await screen.findByText('No such job')).toBeInTheDocument();
  expect(screen.getByText(/job\.unknown/)).toBeInTheDocument();
});
