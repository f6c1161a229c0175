import { screen, waitFor, within } from '@testing-library/react';
import { apply, choose, press, ready } from '../testing/acts';
import { openApp } from '../testing/open-app';
import { fault, serviceAs } from '../testing/service';

const linkTo = (change: string, input: object): string =>
  `/tenants?${new URLSearchParams({ change, intent: crypto.randomUUID(), input: JSON.stringify(input) }).toString()}`;

const STATE = 'State of the job';

async function runnerOf(tenant_id: string): Promise<string> {
  const { placements } = await serviceAs('operator').read('tenants.get', { params: { tenant_id } });
  return placements.find(({ kind }) => kind === 'runner')!.shard_id;
}
const other = (shard: string): string => (shard === 'r1' ? 'r2' : 'r1');

/** What stands between the operator and Apply. */
async function expectHeldBack(why: string | RegExp): Promise<void> {
  expect(await screen.findByText(why, { selector: '[role=status]' })).toBeInTheDocument();
  expect(screen.getByRole('button', { name: /^Apply/ })).toBeDisabled();
}

test('UI-19 UI-21 UI-22 NFR-08 the main job: plan, reason, proof, the way back, the record', async () => {
  const { user, address } = openApp('/tenants/tenant-01');
  await press(user, 'Migrate');
  await choose(user, 'Target shard', 'a2');

  expect(await screen.findByRole('list', { name: 'Checks' })).toHaveTextContent('a2 is ready');
  expect(screen.getByText(/^1 tenant · /)).toBeInTheDocument();
  expect(screen.getByText('placement.aggregate.tenant-01.shard_id').parentElement).toHaveTextContent('a1 → a2');
  await expectHeldBack('Give the reason first');
  await apply(user);

  expect(await screen.findByText('Proof')).toBeInTheDocument();
  expect(screen.getByRole('status', { name: STATE })).toHaveTextContent('succeeded');
  expect(screen.getByText('moved').nextSibling).toHaveTextContent('a1 → a2');
  expect(address()).toMatch(/change=scale\.migrate.*job=job_/);

  await press(user, 'Undo');
  expect(await screen.findByText('Migrate tenant-01 · aggregate → a1')).toBeInTheDocument();
  await apply(user, 'INC-42: the disk is well again');
  await waitFor(() => expect(screen.getByText('moved').nextSibling).toHaveTextContent('a2 → a1'));

  await user.click(screen.getByRole('link', { name: 'Audit records' }));
  expect(await screen.findByRole('region', { name: 'records' })).toHaveTextContent('INC-42: the disk is well again');
  expect(address()).toMatch(/\/audit\?job_id=job_/);
});

test('UI-22 a plan that is blocked says the measured reason, and Apply says it too', async () => {
  const home = await runnerOf('tenant-02');
  await fault(home, { in_flight: 101 });
  try {
    const { user } = openApp(linkTo('scale.migrate', { tenant_id: 'tenant-02', kind: 'runner', to: other(home) }));
    expect(await screen.findByRole('alert', { name: 'Blocked' })).toHaveTextContent('in flight 101 > 100');
    await user.type(screen.getByRole('textbox', { name: /^Reason/ }), 'INC-43: moving the busy one');
    await expectHeldBack('Blocked: in flight 101 > 100');

    await user.type(screen.getByRole('spinbutton', { name: 'In-flight limit' }), '200');
    expect(await screen.findByText('in flight 101 ≤ 200')).toBeInTheDocument();
    expect(await ready(/^Apply plan/)).toBeInTheDocument();
  } finally {
    await fault(home, { in_flight: 0 });
  }
});

test('UI-21 a link shows the same change with the same values, and a field the contract refuses says why', async () => {
  const { user, address } = openApp(linkTo('scale.migrate', { tenant_id: 'tenant-02', kind: 'aggregate', to: 'a1' }));
  expect(await screen.findByText('Migrate tenant-02 · aggregate → a1')).toBeInTheDocument();
  await user.type(await screen.findByRole('spinbutton', { name: 'Lag limit' }), '-1');
  expect(await screen.findByRole('alert')).toHaveTextContent('At least 0');
  await expectHeldBack('The plan is not there yet');
  await waitFor(() => expect(address()).toContain(encodeURIComponent('"max_consumer_lag":-1')));
});

test('UI-23 who may not apply it sees the plan and which permission is missing', async () => {
  openApp(linkTo('scale.migrate', { tenant_id: 'tenant-01', kind: 'aggregate', to: 'a2' }), 'read-only');
  await expectHeldBack(/scale\.migrate/);
});

/** A migration that waits for its tenant's work in flight until told to go on. */
async function waitingMigration(tenant_id: string) {
  const home = await runnerOf(tenant_id);
  await fault(home, { in_flight: 3 });
  const { user } = openApp(linkTo('scale.migrate', { tenant_id, kind: 'runner', to: other(home) }));
  await apply(user);
  await waitFor(() => expect(screen.getByRole('status', { name: STATE })).toHaveTextContent('running'));
  return { user, goOn: () => fault(home, { in_flight: 0 }), title: `Migrate ${tenant_id} · runner → ${other(home)}` };
}

test('NFR-08 closing the drawer stops nothing: the change is a line on every page until it is dismissed', async () => {
  const { user, goOn, title } = await waitingMigration('tenant-05');
  await user.click(screen.getByRole('button', { name: 'Close' }));
  const line = within(await screen.findByRole('list', { name: 'Changes you asked for' }));
  expect(line.getByText(title)).toBeInTheDocument();

  await goOn();
  expect(await line.findByText('succeeded')).toBeInTheDocument();
  await user.click(line.getByRole('button', { name: `Dismiss ${title}` }));
  expect(screen.queryByText(title)).not.toBeInTheDocument();
});

test('UI-21 a change that runs is cancelled with a reason, and what was done is undone', async () => {
  const { user, goOn } = await waitingMigration('tenant-02');
  await press(user, 'Cancel job');
  await user.type(await screen.findByRole('textbox', { name: /^Why cancel/ }), 'INC-45: wrong tenant');
  await press(user, 'Cancel job and undo');
  await waitFor(() => expect(screen.getByRole('status', { name: STATE })).toHaveTextContent('compensated'));
  expect(screen.getByRole('list', { name: 'Steps' })).toHaveTextContent('undone');
  await goOn();
});

test('a link to a change that there is not says so', async () => {
  openApp(linkTo('scale.teleport', {}));
  expect(await screen.findByText('This link asks for a change that there is not')).toBeInTheDocument();
});
