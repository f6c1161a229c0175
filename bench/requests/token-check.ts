// What a token costs once it was verified, beside verifying it with jose every time.
import { importJWK, jwtVerify, type CryptoKey } from 'jose';
import { systemAmbient } from '../../backend/src/kernel/ambient.ts';
import { createAuthenticator } from '../../backend/src/identity/index.ts';
import { startIssuer } from '../../backend/src/identity/tokens/issuer.fixture.ts';
import type { Section } from '../figure.ts';
import { digits, inPairs, told } from '../spread.ts';

const GOAL = 25;
const AUDIENCE = 'cloudlysis-control';
const PAIRS = 25;
const WARM_CALLS = 20_000;
const COLD_CALLS = 500;
const TOKENS = 50;

export async function measure(): Promise<Section> {
  await using issuer = await startIssuer();
  const { authenticate } = createAuthenticator(
    {
      MODE: 'development', GATEWAY_ISSUER: issuer.url, GATEWAY_JWKS_URL: issuer.jwksUrl, GATEWAY_AUDIENCE: AUDIENCE,
      GRAFANA_ORG_ID: 1, GRAFANA_ROLE_MAP: '', PLUGIN_BEARER: 'the-plugin-of-a-benchmark', environments: [{ tier: 'dev' as const }],
    },
    systemAmbient(),
  ); // prettier-ignore
  const tokens = await Promise.all(
    Array.from({ length: TOKENS }, (_, n) => issuer.token({ email: `user-${n}@example.test`, jti: `token-${n}` })),
  );
  const headers = tokens.map((token) => ({ authorization: `Bearer ${token}` }));
  for (const header of headers) await authenticate(header);
  const key = (await importJWK(issuer.keys[0]!.jwk, 'ES256')) as CryptoKey;
  const options = { algorithms: ['ES256'], issuer: issuer.url, audience: AUDIENCE };

  const uncached = async (): Promise<number> => {
    const began = performance.now();
    for (let n = 0; n < COLD_CALLS; n += 1) await jwtVerify(tokens[n % TOKENS]!, key, options);
    return ((performance.now() - began) * 1000) / COLD_CALLS;
  };
  const warm = (): number => {
    const began = performance.now();
    for (let n = 0; n < WARM_CALLS; n += 1) authenticate(headers[n % TOKENS]!);
    return ((performance.now() - began) * 1000) / WARM_CALLS;
  };
  await inPairs(4, uncached, warm);
  const both = await inPairs(PAIRS, uncached, warm);
  const met = both.ratio.median >= GOAL;
  return {
    title: 'A token',
    how: `ES256, ${TOKENS} tokens in turn; \`jwtVerify\` of jose with an imported key, beside the service's authenticator once it knows them.`,
    figures: [
      {
        name: 'check of a known token',
        measured: told(both.b, 'µs'),
        beside: `${told(both.a, 'µs')} by jose uncached: ${told(both.ratio, '× as quick')}`,
        goal: `≥ ${GOAL} ×`,
        met,
        ...(met
          ? {}
          : {
              why: `two digests (the token's, the plugin bearer's) and the look-ups take ${digits(both.b.median)} µs`,
            }),
      },
    ],
  };
}
