/** Credentials in, principal out: Gateway tokens, and Grafana ID tokens beside the plugin's bearer. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Problem, type Tier } from '@cloudlysis/contract';
import { decodeJwt } from 'jose';
import type { Ambient } from '../../kernel/ambient.ts';
import type { EnvironmentSettings } from '../../platform-file.ts';
import type { Config } from '../../service-config.ts';
import type { Principal } from '../../call/principal.ts';
import { KeySet } from './key-set.ts';
import { Revocations } from './revocations.ts';
import { tokenLifetimeS } from '../../kernel/tier.ts';
import { checkToken, type CheckedToken, type Issuer } from './token-check.ts';
import { DEVELOPMENT_KEY, gatewayPrincipal, grafanaPrincipal, idsOf, readRoleMap } from './token-principal.ts';
import { VerifiedTokens } from './verified-tokens.ts';

export type IdentityConfig = Pick<
  Config,
  | 'MODE'
  | 'GATEWAY_ISSUER'
  | 'GATEWAY_JWKS_URL'
  | 'GATEWAY_AUDIENCE'
  | 'GRAFANA_URL'
  | 'GRAFANA_ISSUER'
  | 'GRAFANA_ORG_ID'
  | 'GRAFANA_ROLE_MAP'
  | 'PLUGIN_BEARER'
> & {
  readonly environments: readonly (Pick<EnvironmentSettings, 'tier'> &
    Partial<Pick<EnvironmentSettings, 'id' | 'gateway'>>)[];
};

export interface Authenticator {
  /** @throws Problem `token.missing`, `token.invalid` or `token.expired` */
  authenticate(headers: IncomingHttpHeaders): Principal | Promise<Principal>;
  /** Whose tokens are accepted, and whether their keys can be read. */
  readonly keySources: readonly KeySource[];
}

export interface KeySource {
  readonly id: 'gateway' | 'grafana';
  /** Of whose own Gateway they are; null of an issuer whose tokens have effect everywhere. */
  readonly environment: string | null;
  /** Null where none is configured. */
  readonly url: string | null;
  /** Reads the keys anew and says how many can be used. @throws Error that says why not */
  check(): Promise<number>;
}

const RECHECK_MS = 15 * 60_000;

/** @throws Error when a setting cannot be used */
export function createAuthenticator(
  config: IdentityConfig,
  ambient: Ambient,
  revocations: Pick<Revocations, 'isRevoked'> = new Revocations(ambient),
): Authenticator {
  const cache = new VerifiedTokens(ambient, revocations);
  const gateways = gatewaysOf(config, ambient);
  const grafana = grafanaIssuer(config, ambient);
  const roleMap = readRoleMap(config.GRAFANA_ROLE_MAP);
  const grafanaUser = (token: CheckedToken) => grafanaPrincipal(token, roleMap, config.GRAFANA_ORG_ID);
  const isPlugin = secretMatcher(config.PLUGIN_BEARER);

  async function verify(key: string, token: string, issuer: Issuer, principalOf: (token: CheckedToken) => Principal) {
    const checked = await checkToken(token, issuer, ambient);
    if (config.MODE === 'production' && checked.kid.startsWith(DEVELOPMENT_KEY))
      throw new Problem('token.invalid', 'Development keys are refused in production');
    const { exp } = checked.claims;
    const ids = idsOf(checked);
    if (revocations.isRevoked(ids)) throw new Problem('token.invalid', 'The session was revoked');
    const principal = principalOf(checked);
    // Checked anew now and then, so that a token ends with the key that signed it when its issuer withdraws that.
    const expiresAt = Math.min(exp * 1000, ambient.now().getTime() + RECHECK_MS);
    cache.set(key, { principal, expiresAt, recheckAt: ambient.monotonic() + RECHECK_MS, ids });
    return principal;
  }

  /** A principal that was verified before comes back without a promise: the warm path stays on one tick. */
  function authenticate(headers: IncomingHttpHeaders): Principal | Promise<Principal> {
    const bearer = bearerOf(headers.authorization);
    const key = cache.keyOf(bearer);
    const known = cache.get(key);
    if (known) return known.principal;
    if (!isPlugin(bearer)) {
      const { issuer, environment } = gatewayFor(bearer, gateways);
      return verify(key, bearer, issuer, (token) => ({ ...gatewayPrincipal(token), environment }));
    }
    const idToken = headers['x-grafana-id'];
    if (!grafana || typeof idToken !== 'string' || idToken === '')
      throw new Problem('token.missing', 'The plugin vouches for nobody without an X-Grafana-Id token');
    // Kept apart, so that an ID token sent as a bearer is never taken for a Gateway token that was verified.
    const idKey = `grafana.${cache.keyOf(idToken)}`;
    return cache.get(idKey)?.principal ?? verify(idKey, idToken, grafana, grafanaUser);
  }

  return {
    authenticate,
    keySources: [
      ...(gateways.length > 0 ? gateways : [{ issuer: null, environment: null }]).map(({ issuer, environment }) =>
        keySource('gateway', issuer, environment),
      ),
      keySource('grafana', grafana),
    ],
  };
}

const keySource = (id: KeySource['id'], issuer: Issuer | null, environment: string | null = null): KeySource => ({
  id,
  environment,
  url: issuer?.keys.url ?? null,
  check: async () => (issuer ? issuer.keys.check() : 0),
});

/** A Gateway whose tokens are accepted, and the one environment in which they have effect; null for everywhere. */
interface Gateway {
  readonly issuer: Issuer;
  readonly environment: string | null;
}

/** Keys of a dev Gateway are kept with less care: what they sign is no key to production, whoever it says it is. */
function gatewaysOf(config: IdentityConfig, ambient: Ambient): Gateway[] {
  const own = config.environments.flatMap(({ id, tier, gateway }): Gateway[] => {
    if (!gateway || id === undefined) return [];
    const { issuer, jwksUrl, audience = config.GATEWAY_AUDIENCE } = gateway;
    const name = `Gateway of ${id}`;
    return [{ environment: id, issuer: gatewayIssuer(name, { issuer, jwksUrl, audience }, [{ tier }], ambient) }];
  });
  const { GATEWAY_ISSUER: issuer, GATEWAY_JWKS_URL: jwksUrl, GATEWAY_AUDIENCE: audience } = config;
  if (!issuer || !jwksUrl) return own;
  const twin = config.environments.find(({ gateway }) => gateway?.issuer === issuer);
  if (twin) throw new Error(`GATEWAY_ISSUER is the issuer of ${twin.id}, too: its tokens would have effect everywhere`);
  const everywhere = gatewayIssuer('Gateway', { issuer, jwksUrl, audience }, config.environments, ambient);
  return [{ environment: null, issuer: everywhere }, ...own];
}

/** By what the token says of itself, which is held against the keys of that very Gateway afterwards. @throws Problem `token.invalid` */
function gatewayFor(token: string, gateways: readonly Gateway[]): Gateway {
  const [only, ...more] = gateways;
  if (!only) throw new Problem('token.invalid', 'No Gateway is configured here');
  if (more.length === 0) return only;
  const said = issuerIn(token);
  const found = gateways.find(({ issuer }) => issuer.issuer.includes(said ?? ''));
  if (!found) throw new Problem('token.invalid', 'The token is of no Gateway that is configured here');
  return found;
}

function issuerIn(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function gatewayIssuer(
  name: string,
  { issuer, jwksUrl, audience }: { readonly issuer: string; readonly jwksUrl: string; readonly audience: string },
  environments: readonly { readonly tier: Tier }[],
  ambient: Ambient,
): Issuer {
  return {
    name,
    issuer: [issuer],
    audience,
    isSoleAudience: false,
    types: ['jwt', 'at+jwt'],
    lifetimeS: tokenLifetimeS(environments),
    keys: new KeySet({ url: jwksUrl, ambient, algorithms: ['ES256', 'EdDSA', 'RS256'] }),
  };
}

function grafanaIssuer(config: IdentityConfig, ambient: Ambient): Issuer | null {
  if (!config.GRAFANA_URL) return null;
  const base = config.GRAFANA_URL.replace(/\/+$/, '');
  const issuer = (config.GRAFANA_ISSUER ?? base).replace(/\/+$/, '');
  return {
    name: 'Grafana server',
    // Grafana signs its root_url with a trailing slash.
    issuer: [issuer, `${issuer}/`],
    audience: `org:${config.GRAFANA_ORG_ID}`,
    isSoleAudience: true,
    // Grafana signs access tokens (`at+jwt`) with the same keys.
    types: ['jwt'],
    lifetimeS: tokenLifetimeS(config.environments),
    keys: new KeySet({ url: `${base}/api/signing-keys/keys`, ambient, algorithms: ['ES256'] }),
  };
}

function bearerOf(authorization: string | undefined): string {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
  if (!token) throw new Problem('token.missing', 'Send a token in the Authorization header: Bearer <token>');
  return token;
}

/** Compares digests in constant time, so that neither length nor content of the secret shows in the time taken. */
function secretMatcher(secret: string | undefined): (given: string) => boolean {
  if (!secret) return () => false;
  const digest = (text: string) => hash('sha256', text, 'buffer');
  const expected = digest(secret);
  return (given) => timingSafeEqual(digest(given), expected);
}
