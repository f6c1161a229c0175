/** A plain record by its pages: left, edited, refused where somebody else was faster, and removed. */
import { drawer, expect, ROOT, stateOf, test } from './journey';
import { apply } from './migration';

const TENANT = 'tenant-10';

test('UI-16 UI-21 GEN-36 a note is left on its tenant, edited, not written over unseen and removed', async ({
  open,
  page,
  as,
}) => {
  await open(`tenants/${TENANT}`);
  const note = page.getByRole('region', { name: 'Note' });
  await note.getByRole('button', { name: 'Leave a note' }).click();
  const leave = drawer(page, `New note.*${TENANT}`);
  await leave.getByRole('textbox', { name: /^Note/ }).fill('Do not move before the invoice run');
  await expect(leave.getByRole('list', { name: 'Checks' })).toBeVisible();
  await apply(leave, 'told by the customer');
  await expect(stateOf(leave)).toHaveText('succeeded', { timeout: 60_000 });
  await leave.getByRole('button', { name: 'Close' }).click();
  await expect(note).toContainText('Do not move before the invoice run');

  // Somebody else writes while this one is being edited.
  await note.getByRole('button', { name: 'Edit note' }).click();
  const edit = drawer(page, `Edit note.*${TENANT}`);
  await edit.getByRole('textbox', { name: /^Note/ }).fill('Move it whenever you like');
  await expect(edit.getByRole('list', { name: 'Checks' })).toBeVisible();
  const theirs = await as('admin');
  await theirs.goto(`${ROOT}/tenants/${TENANT}`);
  await theirs.getByRole('region', { name: 'Note' }).getByRole('button', { name: 'Edit note' }).click();
  const faster = drawer(theirs, `Edit note.*${TENANT}`);
  await faster.getByRole('textbox', { name: /^Note/ }).fill('Not before Monday');
  await apply(faster, 'they called again');
  await expect(stateOf(faster)).toHaveText('succeeded', { timeout: 60_000 });
  await expect(edit).toContainText(/is at version \d+: it was read at version \d+/, { timeout: 60_000 });
  await expect(edit.getByRole('button', { name: 'Apply' })).toBeDisabled();

  await page.goto(`${ROOT}/notes`);
  const row = page.getByRole('row').filter({ hasText: TENANT });
  await expect(row).toContainText('Not before Monday');
  await row.getByRole('button', { name: `Actions for ${TENANT}` }).click();
  await page.getByRole('menuitem', { name: /^Remove/ }).click();
  const remove = drawer(page, `Remove note.*${TENANT}`);
  await apply(remove, 'it is Monday');
  await expect(stateOf(remove)).toHaveText('succeeded', { timeout: 60_000 });
  await expect(row).toHaveCount(0);
});
