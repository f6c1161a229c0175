/** What of a change may be seen: in the address, in titles, in keys of the cache. Found by the contract, whatever a form says. */
import { useMemo } from 'react';
import { masked, SECRET_PLACES, SECRET_SHOWN, secretName } from '@cloudlysis/contract';
import type { ChangeInput } from './change-input';

const placesOf = (id: string): readonly string[] =>
  Object.hasOwn(SECRET_PLACES, id) ? SECRET_PLACES[id as keyof typeof SECRET_PLACES] : [];
const secretsIn = (id: string, input: ChangeInput) => masked(placesOf(id), input);

/** With `‹secret›` in place of what was typed. */
export const shownInput = (id: string, input: ChangeInput): ChangeInput => secretsIn(id, input).shown as ChangeInput;

/** What an address may bring: no secret, not even one that somebody wrote into a link. */
export function withoutSecrets(id: string, input: ChangeInput): ChangeInput {
  const without = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    if (Array.isArray(value)) {
      return value.map(without);
    }
    const kept = Object.entries(value).filter(([, inner]) => inner !== SECRET_SHOWN);
    return Object.fromEntries(kept.map(([key, inner]) => [key, without(inner)]));
  };
  return without(shownInput(id, input)) as ChangeInput;
}

/** Fields whose secrets were typed before the page was loaded, and were kept nowhere. */
export const lostSecrets = (id: string, input: ChangeInput): readonly string[] =>
  secretsIn(id, input).secrets.map(({ path }) => secretName(path).replaceAll('/', '.'));

/** Another one for every other set of secrets, so that a plan is kept under what was asked without telling it. */
export function useSecretsVersion(id: string, input: ChangeInput): string {
  const text = JSON.stringify(secretsIn(id, input).secrets.map(({ path, value }) => [path, value]));
  return useMemo(() => (text === '[]' ? '' : crypto.randomUUID()), [text]);
}
