/** From the claims of a checked token to the principal they describe. */
import { Problem, RoleName, type Assignment } from '@cloudlysis/contract';
import type { Principal } from '../../call/principal.ts';
import { CLOCK_SKEW_S, type CheckedToken } from './token-check.ts';
import { folded, identityName, isAddress, MAX_IDENTITY, type Identity } from '../../call/identity-name.ts';

export const DEVELOPMENT_KEY = 'dev-';
const SECOND_FACTORS = ['mfa', 'otp', 'hwk'];
const MAX_NAME = MAX_IDENTITY;

/**
 * A principal of a Gateway token: a user when it carries an e-mail address or has one for its subject, which the Gateway
 * alone decides about, else the service of that subject. Where the Gateway says that nobody checked the address, it is
 * a user known by the subject.
 */
export function gatewayPrincipal({ claims, kid }: CheckedToken): Principal {
  const email = vouchedAddress(claims) ?? (isUnverified(claims) ? null : address(claims.sub));
  const kind = email !== null || isUnverified(claims) ? 'user' : 'service';
  const id = email ? nameOf('user', 'email', email) : nameOf(kind, 'gateway', claims.sub);
  return {
    id,
    kind,
    email,
    via: 'gateway',
    onBehalfOf: actingFor(claims['act']),
    environment: null,
    steppedUpAt: secondFactorAt(claims),
    granted: kid.startsWith(DEVELOPMENT_KEY) ? granted(id, claims['role']) : [],
  };
}

/** Who acts through a delegated token (RFC 8693 `act`). */
function actingFor(act: unknown): string | null {
  if (act === undefined || act === null) return null;
  const sub = typeof act === 'object' ? (act as { sub?: unknown }).sub : null;
  const email = address(sub);
  return email ? nameOf('user', 'email', email) : nameOf('service', 'gateway', sub);
}

/** Nobody shows a second factor after the token that tells of it was made: such a time, or none at all, is no factor. */
function secondFactorAt(claims: CheckedToken['claims']): Date | null {
  const { auth_time: at, amr } = claims as { auth_time?: unknown; amr?: unknown };
  if (typeof at !== 'number' || !(at >= 0 && at <= claims.iat + CLOCK_SKEW_S) || !Array.isArray(amr)) return null;
  return amr.some((method) => SECOND_FACTORS.includes(method as string)) ? new Date(at * 1000) : null;
}

/**
 * A principal of a Grafana ID token. Known by the e-mail address where an identity provider vouched for it; else by
 * `grafana:<login>`, marked, because users choose their logins and could otherwise choose the name of a service. A user
 * with a password of Grafana's own can write any address into their profile, so that one says nothing (decision 0007).
 */
export function grafanaPrincipal(
  { claims }: CheckedToken,
  roleMap: ReadonlyMap<string, RoleName>,
  orgId: number,
): Principal {
  if (claims['type'] !== 'user' || typeof claims.sub !== 'string' || !/^user:[\w-]{1,64}$/.test(claims.sub))
    throw new Problem('token.invalid', 'Only users may come through Grafana');
  if (!isNamespaceOf(claims['namespace'], orgId))
    throw new Problem('token.invalid', `The token is of another namespace than that of organisation ${orgId}`);
  const role = optionalText(claims, 'role');
  const address = vouchedAddress(claims);
  const email = isVouchedFor(claims['authenticatedBy']) ? address : null;
  const id = email ? nameOf('user', 'email', email) : nameOf('user', 'grafana', claims['username']);
  return {
    id,
    kind: 'user',
    email,
    via: 'grafana',
    onBehalfOf: null,
    environment: null,
    steppedUpAt: null,
    granted: granted(id, role === null ? undefined : roleMap.get(role)),
  };
}

/** How Grafana let the user in: through a provider that is the source of the address. Unknown ways are not believed. */
const isVouchedFor = (way: unknown): boolean =>
  typeof way === 'string' && /^(oauth_\w+|auth\.saml|saml|ldap|jwt|authproxy)$/.test(way);

/** `Admin=operator,Viewer=read-only` as a map. @throws Error that names the part that is wrong */
export function readRoleMap(text: string): ReadonlyMap<string, RoleName> {
  const parts = text.split(',').map((part) => part.trim()).filter((part) => part !== ''); // prettier-ignore
  const roles = new Map<string, RoleName>();
  for (const part of parts) {
    const [orgRole, role, ...rest] = part.split('=').map((side) => side.trim());
    const known = RoleName.safeParse(role);
    if (!orgRole || !known.success || rest.length > 0)
      throw new Error(`GRAFANA_ROLE_MAP: "${part}" is not <org role>=<role template>`);
    if (roles.has(orgRole)) throw new Error(`GRAFANA_ROLE_MAP: "${orgRole}" is named twice`);
    roles.set(orgRole, known.data);
  }
  return roles;
}

function granted(principal: string, role: unknown): readonly Assignment[] {
  const known = RoleName.safeParse(role);
  return known.success ? [{ principal, role: known.data, scope: { kind: 'global' } }] : [];
}

/**
 * `default` is organisation 1 of one's own Grafana, `org-7` another one there, `stacks-123` the one organisation of a
 * stack in Grafana Cloud. A token without it counts by its audience, which says the same.
 */
function isNamespaceOf(namespace: unknown, orgId: number): boolean {
  if (namespace === undefined) return true;
  if (typeof namespace !== 'string') return false;
  return orgId === 1 ? /^(default|stacks-\d{1,18})$/.test(namespace) : namespace === `org-${orgId}`;
}

/** A revocation is a key of a KV bucket, and these are all it can be: no blanks, no wildcards, no empty part. */
const KEY = /^(?!\.)(?!.*\.\.)[-/=.\w]+(?<!\.)$/;

/** Token and session; either one revoked ends the token. @throws Problem `token.invalid`: what cannot be named cannot be revoked */
export function idsOf({ claims }: CheckedToken): string[] {
  return ['jti', 'sid'].flatMap((name) => {
    const id = optionalText(claims, name);
    if (id !== null && !KEY.test(id))
      throw new Problem('token.invalid', `The claim ${name} of the token cannot be a key of the revocations`);
    return id ?? [];
  });
}

/**
 * The e-mail address of a token whose issuer does not itself say that nobody checked it. Grafana leaves the claim out
 * where it knows nothing, as with most identity providers; there the way of signing in decides.
 */
function vouchedAddress(claims: CheckedToken['claims']): string | null {
  const email = optionalText(claims, 'email');
  return isUnverified(claims) ? null : address(email);
}

function isUnverified(claims: CheckedToken['claims']): boolean {
  const verified = claims['email_verified'] ?? true;
  if (typeof verified !== 'boolean') throw misshapen('email_verified');
  return !verified;
}

/** A claim of another type is not read as if it were absent: whoever sent it meant something. */
function optionalText(claims: CheckedToken['claims'], name: string): string | null {
  const value = claims[name] ?? null;
  if (value !== null && (typeof value !== 'string' || value.length > MAX_NAME)) throw misshapen(name);
  return value;
}

const misshapen = (claim: string): Problem =>
  new Problem('token.invalid', `The claim ${claim} of the token is not of its type`);

function address(value: unknown): string | null {
  return typeof value === 'string' && value.length <= MAX_NAME && isAddress(value) ? folded(value) : null;
}

/** @throws Problem `token.invalid` for what is no name: nothing, blanks alone, control characters, halves of characters */
function nameOf(kind: Identity['kind'], issuer: Identity['issuer'], id: unknown): string {
  if (typeof id === 'string' && id.isWellFormed() && id.trim() === id && !/\p{Cc}/u.test(id)) {
    const name = identityName({ kind, issuer, id });
    if (id !== '' && name.length <= MAX_IDENTITY) return name;
  }
  throw new Problem('token.invalid', 'The token does not say who it is about');
}
