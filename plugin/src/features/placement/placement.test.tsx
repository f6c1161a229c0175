import { screen, waitFor, within } from '@testing-library/react';
import { choose, refusalOf, rowsOf } from '../../testing/acts';
import { openApp } from '../../testing/open-app';

test('UI-20 every shard with its node’s word and its load, and what can be done about it', async () => {
  const { user, address } = openApp('/placement');
  const rows = await rowsOf('Shards of kind aggregate');
  expect(rows.map((row) => row.firstChild?.textContent)).toEqual(['a1', 'a2']);
  expect(within(rows[0]!).getByRole('meter', { name: 'Load of a1' })).toHaveAttribute(
    'aria-valuetext',
    expect.stringContaining('%')
  );
  expect(within(rows[0]!).getByText('ready')).toBeInTheDocument();

  await user.click(screen.getByRole('button', { name: 'Actions for a1' }));
  await user.click(await screen.findByRole('menuitem', { name: /^Evacuate/ }));
  expect(await screen.findByText('Evacuate a1')).toBeInTheDocument();
  expect(await screen.findByRole('list', { name: 'Checks' })).toBeInTheDocument();
  expect(address()).toContain('change=scale.evacuate');
});

test('SCL-06 UI-20 an evacuation of a node that is gone asks so, and is refused while the node answers', async () => {
  const { user } = openApp('/placement/shards');
  await user.click(await screen.findByRole('button', { name: 'Actions for a1' }));
  await user.click(await screen.findByRole('menuitem', { name: /^Evacuate/ }));
  expect(await screen.findByRole('list', { name: 'Checks' })).toBeInTheDocument();
  await choose(user, /^Source/, 'Is gone');
  expect(await screen.findByRole('alert', { name: 'Blocked' })).toHaveTextContent(
    /answers and is well: without `source: gone` it is drained first/
  );
});

test('UI-14 UI-20 tenants per shard, found by shard', async () => {
  const { user, address } = openApp('/placement/tenants');
  await choose(user, 'Filter by shard', 'p1');
  await waitFor(async () =>
    expect((await rowsOf('placements')).every((row) => row.textContent?.includes('projectionp1'))).toBe(true)
  );
  expect(address()).toContain('shard_id=p1');
});

test('UI-20 drift says how much was compared', async () => {
  openApp('/placement/drift');
  expect(await screen.findByText(/^\d+ of \d+ placements drift/)).toBeInTheDocument();
});

test('UI-14 UI-20 drift names what it could not read, and does not call it agreed', async () => {
  // The answer of a store with such records, which the other tests must not meet.
  const asked = globalThis.fetch;
  const bad = { id: 'aggregate.acme', reason: 'revision: it is no number' };
  globalThis.fetch = async (...call) => {
    const answer = await asked(...call);
    return String(call[0]).endsWith('/scale/drift')
      ? Response.json({ ...(await answer.json()), unreadable: [bad] })
      : answer;
  };
  try {
    openApp('/placement/drift');
    expect(
      await screen.findByText(/1 record cannot be read: aggregate\.acme \(revision: it is no number\)/)
    ).toBeInTheDocument();
    expect(screen.queryByText('Record, published copy, nodes and gateways agree')).not.toBeInTheDocument();
  } finally {
    globalThis.fetch = asked;
  }
});

test('UI-23 support may drain and not evacuate or repair', async () => {
  const { user } = openApp('/placement/drift', 'support');
  expect(await refusalOf(user, 'Repair drift')).toContain('scale.apply');
  await user.click(screen.getByRole('link', { name: 'Shards' }));
  await user.click(await screen.findByRole('button', { name: 'Actions for a1' }));
  const evacuate = await screen.findByRole('menuitem', { name: /^Evacuate/ });
  await waitFor(() => expect(evacuate).toHaveTextContent('scale.migrate'));
  expect(screen.getByRole('menuitem', { name: /^Drain/ })).not.toHaveAttribute('aria-disabled', 'true');
});
