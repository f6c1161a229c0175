// An issuer for tests: real keys, a real JWKS over HTTP, tokens signed as a Gateway or a Grafana server signs them.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

export interface TestKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  readonly jwksUrl: string;
  /** What the JWKS shows; replace it to rotate. */
  keys: TestKey[];
  /** How often the JWKS was asked for. */
  readonly asked: () => number;
  /** Status of the JWKS; 200 unless set. */
  status: number;
  token(claims?: Record<string, unknown>, options?: TokenOptions): Promise<string>;
}

export interface TokenOptions {
  readonly key?: TestKey;
  readonly header?: Record<string, unknown>;
}

export async function testKey(kid: string, algorithm = 'ES256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } };
}

export async function startIssuer(kid = 'dev-1', path = '/jwks.json'): Promise<TestIssuer> {
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.url !== path) return void response.writeHead(404).end();
    asked++;
    response.writeHead(issuer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: TestIssuer = {
    url,
    jwksUrl: url + path,
    keys: [await testKey(kid)],
    status: 200,
    asked: () => asked,
    token: (claims = {}, { key = issuer.keys[0]!, header = {} } = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: url, aud: 'cloudlysis-control', sub: 'user-1', iat: now, exp: now + 600, ...claims };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new SignJWT(payload)
        .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'JWT', ...header })
        .sign(key.privateKey);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}
