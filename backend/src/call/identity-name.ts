/**
 * Pure: who somebody is, as one string that no other identity has (decision 0014).
 *
 * `user:ada@x.test` a verified e-mail address, whoever vouched for it · `user:grafana:bob` a login of Grafana ·
 * `user:gateway:7f3a` a Gateway user without a verified address · `service:svc-1` a Gateway service. The issuer is left
 * out where it is the ordinary one of its kind; separators inside an id are escaped, so no id can imitate another form.
 */

export interface Identity {
  readonly kind: 'user' | 'service';
  /** What makes the id unique: the Gateway or Grafana that gave it, or `email`, where all who verify addresses agree. */
  readonly issuer: 'email' | 'grafana' | 'gateway';
  readonly id: string;
}

/** Of the whole string: actors, filters and assignments hold no longer one, and a cut one would be somebody else's. */
export const MAX_IDENTITY = 254;

const ORDINARY: Readonly<Record<Identity['kind'], Identity['issuer']>> = { user: 'email', service: 'gateway' };
const FORM = /^(user|service):(?:(email|grafana|gateway):)?([^:]+)$/;

/**
 * `A` and `a` are one letter, and no others are: `K` (U+212A), `ſ`, `İ` and full-width letters stay what they are, and
 * so do the composed and the decomposed spelling of an `é`. Whoever decides that two names are one gives the rights of
 * the first to the second.
 */
export const folded = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Letters, digits and marks of any script as they are; separators, blanks and what cannot be seen as `%XX`. */
const ESCAPED = /[%:/\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

export function identityName({ kind, issuer, id }: Identity): string {
  const name = folded(id).replace(ESCAPED, escaped);
  return issuer === ORDINARY[kind] ? `${kind}:${name}` : `${kind}:${issuer}:${name}`;
}

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

const escaped = (char: string): string =>
  // Half of a character has no bytes of its own; all halves would otherwise become the same three.
  char.isWellFormed()
    ? [...Buffer.from(char)].map((byte) => `%${hex(byte, 2)}`).join('')
    : `%u${hex(char.charCodeAt(0), 4)}`;

/** The identity that a name in its one spelling stands for; null for any other text. */
export function identityOf(name: string): Identity | null {
  const parts = FORM.exec(name);
  if (!parts) return null;
  const kind = parts[1] as Identity['kind'];
  try {
    const identity = {
      kind,
      issuer: (parts[2] as Identity['issuer'] | undefined) ?? ORDINARY[kind],
      id: decodeURIComponent(parts[3]!),
    };
    return identityName(identity) === folded(name).replace(/%[0-9a-f]{2}/g, (hex) => hex.toUpperCase())
      ? identity
      : null;
  } catch {
    return null;
  }
}

export const isAddress = (text: string): boolean => /^[^\s@:]+@[^\s@:]+$/.test(text);

/**
 * Whom an assignment is for. Those of version 0.1 name people and services without saying which: an address is a user,
 * `grafana:<login>` a login of Grafana, anything else the subject of a Gateway service.
 */
export function assignedTo(principal: string): string {
  const tagged = identityOf(principal);
  if (tagged) return identityName(tagged);
  if (isAddress(principal)) return identityName({ kind: 'user', issuer: 'email', id: principal });
  const login = /^grafana:(.+)$/s.exec(principal)?.[1];
  if (login !== undefined) return identityName({ kind: 'user', issuer: 'grafana', id: login });
  return identityName({ kind: 'service', issuer: 'gateway', id: principal });
}

/** The actor under which version 0.1 kept the jobs of this identity. */
export function actorBefore(name: string): string {
  const identity = identityOf(name);
  if (!identity) return name;
  const { kind, issuer, id } = identity;
  return issuer === ORDINARY[kind] ? `${kind}:${folded(id)}` : `${kind}:${issuer}:${folded(id)}`;
}
