import { screen, waitFor, within } from '@testing-library/react';
import { rowsOf } from '../../testing/acts';
import { openApp } from '../../testing/open-app';

test('every connection is tested, with what was found and how long it took', async () => {
  const { user } = openApp('/settings');
  const mongo = (await rowsOf('Connections')).find((row) => row.textContent?.includes('MongoDB'));
  expect(mongo).toHaveTextContent(/ok.*(ms| s)/);
  await user.click(screen.getByRole('button', { name: 'Test again' }));
  await waitFor(() => expect(screen.getByRole('button', { name: 'Test again' })).toBeEnabled());
});

test('it says as whom it knows me, by which roles', async () => {
  openApp('/settings', 'support');
  const you = within(await screen.findByRole('region', { name: 'You' }));
  expect(you.getByText('Known as').nextSibling).toHaveTextContent('user:support@b.test');
  expect(you.getByText('Roles').nextSibling).toHaveTextContent('support · everywhere');
});
