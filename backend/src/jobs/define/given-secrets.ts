/** Whether the secrets that came with an input are those that it needs, and fit; the input itself never has one. */
import { Problem, SECRET_SHOWN, secretName, taken } from '@cloudlysis/contract';
import type { Secrets } from '../../secrets/secret.ts';
import type { JobDefinition } from './definition.ts';

type Asked = Pick<JobDefinition<unknown>, 'kind' | 'body'>;

/** Fields of an input that stand for a secret. @throws Error for one that has a secret in plain text: a job gives others handles */
function neededBy({ kind, body }: Asked, input: unknown) {
  const found = body ? taken(body, input).secrets : [];
  const plain = found.find(({ value }) => value !== SECRET_SHOWN);
  if (plain) throw new Error(`${kind}: ${secretName(plain.path)} is a secret and may be given as a handle alone`);
  return found.map(({ path, fields }) => ({ name: secretName(path), fields }));
}

/**
 * Those of the secrets that the input needs. `whole`: others are refused.
 * @throws Problem `secret.needed` with the fields that are missing, `request.invalid` for one that does not fit
 */
export function givenSecrets(asked: Asked, input: unknown, secrets: Secrets, whole = true): Secrets {
  const needed = neededBy(asked, input);
  const missing = needed.filter(({ name }) => !secrets.has(name)).map(({ name }) => name);
  if (missing.length > 0)
    throw new Problem('secret.needed', `Secrets are not kept and must be given again: ${missing.join(', ')}`, {
      fields: missing,
    });
  if (whole && secrets.size > needed.length) {
    const names = needed.map(({ name }) => name).join(', ') || 'none';
    throw new Problem('request.invalid', `More secrets are given than the change takes, which are: ${names}`);
  }
  for (const { name, fields } of needed)
    if (!fields.some((field) => field.safeParse(secrets.get(name)!.open()).success))
      throw new Problem('request.invalid', `The secret ${name} is not one that its field takes`);
  return new Map(needed.map(({ name }) => [name, secrets.get(name)!] as const));
}
