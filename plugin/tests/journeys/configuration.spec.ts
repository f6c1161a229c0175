/** The configuration page: it says what is wrong before anybody relies on it. */
import { expect, test } from './journey';

const PLUGIN = 'cloudlysis-control-app';

test('MIS-04 the address and the token are checked, saved and tested; a wrong token has its own state', async ({
  open,
  page,
  world,
}) => {
  const bearer = await world.bearer();
  await page.goto(`/plugins/${PLUGIN}?page=connection`);
  const address = page.getByRole('textbox', { name: /^Address of the service/ });
  const save = page.getByRole('button', { name: 'Save and test' });
  const good = await address.inputValue();

  await test.step('an address that is none is not saved', async () => {
    await address.fill('control:4000/');
    await save.click();
    await expect(page.getByText('An address such as http://control:4000')).toBeVisible();
  });

  await test.step('what is right is saved and found to be so', async () => {
    await address.fill(good);
    await save.click();
    await expect(page.getByText('The service is ready')).toBeVisible();
    await expect(page.getByText('The service knows you')).toBeVisible();
  });

  const token = page.getByLabel(/^Bearer token/);
  const enter = async (value: string): Promise<void> => {
    await page.getByRole('button', { name: 'Reset' }).click();
    await token.fill(value);
    await save.click();
  };
  try {
    await test.step('a wrong token is told here and on every page', async () => {
      await enter('not-the-token');
      await expect(page.getByText('The service refuses the token of this plugin.')).toBeVisible();
      await open('tenants');
      const main = page.locator('main');
      await expect(main.getByText('The service refuses the token of this plugin.').first()).toBeVisible();
      await main.getByRole('link', { name: 'Configuration' }).first().click();
      await expect(page).toHaveURL(new RegExp(`/plugins/${PLUGIN}`));
    });
  } finally {
    await page.goto(`/plugins/${PLUGIN}?page=connection`);
    await enter(bearer);
    await expect(page.getByText('The service knows you')).toBeVisible();
  }
});
