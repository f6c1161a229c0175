/**
 * A secret value in hand: whoever holds it can pass it on, and only who asks for it by `open` sees it.
 *
 * Printed, joined, serialised or inspected in whatever way it is `‹secret›`, so that no log line, message, document or
 * dump has it by accident.
 */
import { inspect } from 'node:util';
import { SECRET_SHOWN, secretName, type SecretPath } from '@cloudlysis/contract';

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    Object.freeze(this);
  }

  /** The value, for the call that needs it and nothing else. */
  open(): string {
    return this.#value;
  }

  toString(): string {
    return SECRET_SHOWN;
  }
  toJSON(): string {
    return SECRET_SHOWN;
  }
  toBSON(): string {
    return SECRET_SHOWN;
  }
  [Symbol.toPrimitive](): string {
    return SECRET_SHOWN;
  }
  [inspect.custom](): string {
    return SECRET_SHOWN;
  }
}

/** The secrets of one input, by the name of their field (`smtp/password`). */
export type Secrets = ReadonlyMap<string, Secret>;

export const NO_SECRETS: Secrets = new Map();

export const secretsOf = (given: readonly { readonly path: SecretPath; readonly value: unknown }[]): Secrets =>
  given.length === 0
    ? NO_SECRETS
    : new Map(given.map(({ path, value }) => [secretName(path), new Secret(String(value))] as const));
