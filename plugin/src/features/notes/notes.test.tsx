import { Problem } from '@cloudlysis/contract';
import { screen, waitFor, within } from '@testing-library/react';
import { apply, press, refusalOf, rowsOf } from '../../testing/acts';
import { openApp } from '../../testing/open-app';
import { changed, serviceAs } from '../../testing/service';

const TENANT = 'tenant-04';
const noteNow = async () => (await serviceAs('owner').read('notes.list', { query: { tenant_id: TENANT } })).items[0];
const noteOn = (text: string, expected_version: number) =>
  changed('notes.put', { params: { tenant_id: TENANT }, body: { text, expected_version, reason: 'a test' } });

afterEach(async () => {
  const note = await noteNow();
  if (note) {
    const body = { expected_version: note.version, reason: 'a test is over' };
    await changed('notes.remove', { params: { tenant_id: TENANT }, body });
  }
});

test('UI-40 a note is left on a tenant’s page, read there by whoever comes next, and removed', async () => {
  const { user } = openApp(`/tenants/${TENANT}`);
  await press(user, 'Leave a note');
  await user.type(await screen.findByRole('textbox', { name: /^Note/ }), 'Call Lin before a drain');
  await apply(user);
  await waitFor(async () => expect(await noteNow()).toMatchObject({ text: 'Call Lin before a drain' }));
  const note = within(await screen.findByRole('region', { name: 'Note' }));
  expect(await note.findByText('Call Lin before a drain', undefined, { timeout: 8_000 })).toBeInTheDocument();
}, 30_000);

test('UI-16 UI-21 a note is edited in the list: only its own version, and never another tenant’s', async () => {
  await noteOn('first', 0);
  const { user } = openApp('/notes');
  await user.click(await screen.findByRole('button', { name: `Actions for ${TENANT}` }));
  await user.click(await screen.findByRole('menuitem', { name: /^Edit/ }));
  const text = await screen.findByRole('textbox', { name: /^Note/ });
  expect(text).toHaveValue('first');
  expect(screen.queryByRole('textbox', { name: /^Tenant/ })).not.toBeInTheDocument();
  const { version } = (await noteNow())!;
  await noteOn('theirs', version);
  await user.clear(text);
  await user.type(text, 'mine');
  expect(
    await screen.findByText(`${TENANT} is at version ${version + 1}: it was read at version ${version}`)
  ).toBeInTheDocument();
  expect(await noteNow()).toMatchObject({ text: 'theirs', version: version + 1 });
}, 30_000);

test('UI-14 UI-23 the list has its notes, and who may not write says why', async () => {
  await noteOn('look twice', 0);
  const { user } = openApp('/notes', 'read-only');
  expect((await rowsOf('notes'))[0]).toHaveTextContent(/tenant-04look twice/);
  expect(await refusalOf(user, 'New note')).toContain('tenants.update');
});

test('UI-14 UI-40 NFR-08 a note that cannot be read is no free place for another: its tenant’s page says what is wrong with it', async () => {
  // The answers of a store with such a note, which the other tests must not meet.
  const asked = globalThis.fetch;
  const bad = { id: TENANT, reason: 'text: it is no text' };
  const answers: Record<string, () => Response> = {
    [`/notes/${TENANT}`]: () => {
      const problem = new Problem('record.unreadable', 'a stored record', { record_id: bad.id, reason: bad.reason });
      return Response.json(problem.toDocument(), { status: problem.status });
    },
    '/notes': () => Response.json({ items: [], unreadable: [bad], next_cursor: null }),
  };
  globalThis.fetch = async (...call) =>
    answers[new URL(String(call[0])).pathname.replace('/admin/v1', '')]?.() ?? asked(...call);
  try {
    openApp(`/tenants/${TENANT}`);
    const note = within(await screen.findByRole('region', { name: 'Note' }));
    expect(await note.findByText(`1 record cannot be read: ${TENANT} (text: it is no text)`)).toBeInTheDocument();
    expect(note.queryByRole('button', { name: /note/ })).not.toBeInTheDocument();
  } finally {
    globalThis.fetch = asked;
  }
});
