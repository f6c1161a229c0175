/** From the claims of a checked token to the principal they describe. */
import { Problem, RoleName, type Assignment } from '@cloudlysis/contract';
import type { Principal } from '../principal.ts';
import type { CheckedToken } from './token-check.ts';
import { principalKey } from './permission-table.ts';

export const DEVELOPMENT_KEY = 'dev-';
const SECOND_FACTORS = ['mfa', 'otp', 'hwk'];
const MAX_NAME = 254;

/** A principal of a Gateway token: a user when it carries an e-mail address, else the service named by its subject. */
export function gatewayPrincipal({ claims, kid }: CheckedToken): Principal {
  // A subject that is an address is a user: a service so named would otherwise take over that user's assignments.
  const email = address(claims['email']) ?? address(claims.sub);
  const name = email ?? readableName(claims.sub);
  return {
    id: email ? `user:${name}` : `service:${name}`,
    kind: email ? 'user' : 'service',
    name,
    email,
    via: 'gateway',
    onBehalfOf: actingFor(claims['act']),
    steppedUpAt: secondFactorAt(claims),
    granted: kid.startsWith(DEVELOPMENT_KEY) ? granted(name, claims['role']) : [],
  };
}

/** Who acts through a delegated token (RFC 8693 `act`). */
function actingFor(act: unknown): string | null {
  const sub = typeof act === 'object' && act !== null ? (act as { sub?: unknown }).sub : null;
  return typeof sub === 'string' ? sub.slice(0, MAX_NAME) : null;
}

function secondFactorAt(claims: CheckedToken['claims']): Date | null {
  const { auth_time: at, amr } = claims as { auth_time?: unknown; amr?: unknown };
  if (typeof at !== 'number' || !Array.isArray(amr)) return null;
  return amr.some((method) => SECOND_FACTORS.includes(method as string)) ? new Date(at * 1000) : null;
}

/**
 * A principal of a Grafana ID token. Known by the e-mail address where an identity provider vouched for it; else by
 * `grafana:<login>`, marked, because users choose their logins and could otherwise choose the name of a service. A user
 * with a password of Grafana's own can write any address into their profile, so that one says nothing (decision 0007).
 */
export function grafanaPrincipal({ claims }: CheckedToken, roleMap: ReadonlyMap<string, RoleName>): Principal {
  if (claims['type'] !== 'user') throw new Problem('token.invalid', 'Only users may come through Grafana');
  const email = isVouchedFor(claims['authenticatedBy']) ? address(claims['email']) : null;
  const name = email ?? `grafana:${readableName(claims['username'])}`;
  return {
    id: `user:${name}`,
    kind: 'user',
    name,
    email,
    via: 'grafana',
    onBehalfOf: null,
    steppedUpAt: null,
    granted: granted(name, roleMap.get(String(claims['role']))),
  };
}

/** How Grafana let the user in: through a provider that is the source of the address. Unknown ways are not believed. */
const isVouchedFor = (way: unknown): boolean =>
  typeof way === 'string' && /^(oauth_\w+|auth\.saml|saml|ldap|jwt|authproxy)$/.test(way);

/** `Admin=operator,Viewer=read-only` as a map. @throws Error that names the part that is wrong */
export function readRoleMap(text: string): ReadonlyMap<string, RoleName> {
  const parts = text.split(',').map((part) => part.trim()).filter((part) => part !== ''); // prettier-ignore
  return new Map(
    parts.map((part) => {
      const [orgRole, role] = part.split('=').map((side) => side.trim());
      const known = RoleName.safeParse(role);
      if (!orgRole || !known.success) throw new Error(`GRAFANA_ROLE_MAP: "${part}" is not <org role>=<role template>`);
      return [orgRole, known.data];
    }),
  );
}

function granted(principal: string, role: unknown): readonly Assignment[] {
  const known = RoleName.safeParse(role);
  return known.success ? [{ principal, role: known.data, scope: { kind: 'global' } }] : [];
}

function address(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > MAX_NAME) return null;
  return /^[^\s@:]+@[^\s@:]+$/.test(value) ? principalKey(value) : null;
}

function readableName(value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_NAME && /^[\x21-\x7e]+$/.test(value)) return principalKey(value);
  throw new Problem('token.invalid', 'The token does not say who it is about');
}
