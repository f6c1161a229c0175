/** What a person does on a page, in words of the page. */
import { screen, waitFor, within } from '@testing-library/react';
import type { OpenedApp } from './open-app';

type User = OpenedApp['user'];

/** Chooses in a field, by the beginning of what is offered. */
export async function choose(user: User, field: string | RegExp, option: string): Promise<void> {
  await user.click(await screen.findByRole('combobox', { name: field }));
  await user.click(await screen.findByRole('option', { name: new RegExp(`^${option}`) }));
}

const isOff = (button: HTMLElement): boolean =>
  button.hasAttribute('disabled') || button.getAttribute('aria-disabled') === 'true';

/** The button once it may be pressed: until the service has said what is permitted, none may. */
export const ready = (name: string | RegExp): Promise<HTMLElement> =>
  waitFor(() => {
    const button = screen.getByRole('button', { name });
    expect(isOff(button)).toBe(false);
    return button;
  });

export const press = async (user: User, name: string | RegExp): Promise<void> => user.click(await ready(name));

/** Gives the reason and applies the plan that is shown. */
export async function apply(user: User, reason = 'INC-42: disk latency'): Promise<void> {
  await user.type(await screen.findByRole('textbox', { name: /^Reason/ }), reason);
  await press(user, /^Apply plan/);
}

/** What a button that may not be pressed says about it. */
export async function refusalOf(user: User, name: string | RegExp): Promise<string> {
  const button = await waitFor(() => {
    const off = screen.getByRole('button', { name });
    expect(off).toHaveAttribute('aria-disabled', 'true');
    return off;
  });
  await user.hover(button);
  const said = (await screen.findByRole('tooltip')).textContent ?? '';
  await user.unhover(button);
  return said;
}

/** What a table shows, by the name of its rows' kind. */
export const rowsOf = async (noun: string): Promise<HTMLElement[]> =>
  within(await screen.findByRole('region', { name: noun }))
    .getAllByRole('row')
    .slice(1);
