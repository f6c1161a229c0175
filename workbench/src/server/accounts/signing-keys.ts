// Signs the identity that the plugin proxy attaches to a request, and publishes the key a backend verifies it with.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { type Account, emailOf } from './accounts.ts';

const TOKEN_LIFE_S = 600;

export class SigningKeys {
  readonly #key: CryptoKey;
  readonly #public: JWK;
  readonly #issuer: string;

  private constructor(key: CryptoKey, publicKey: JWK, issuer: string) {
    this.#key = key;
    this.#public = publicKey;
    this.#issuer = issuer;
  }

  /**
   * With a state folder the key outlives a restart. It has to wherever a backend does: key ids change monthly, as
   * Grafana's do, so a backend that cached the old key under the same id would refuse the new one for an hour.
   */
  static async open(issuer: string, stateFolder?: string): Promise<SigningKeys> {
    const secret = (stateFolder && readKey(stateFolder)) || (await newKey());
    if (stateFolder) writeKey(stateFolder, secret);
    const { d: _d, ...open } = secret;
    return new SigningKeys((await importJWK(secret, 'ES256')) as CryptoKey, open, issuer);
  }

  keySet(): { keys: JWK[] } {
    return { keys: [this.#public] };
  }

  identityToken(account: Account): Promise<string> {
    return new SignJWT({
      type: 'user',
      identifier: `u${String(account.id).padStart(9, '0')}`,
      username: account.login,
      email: emailOf(account),
      name: account.name,
      role: account.role,
      namespace: 'default',
      authenticatedBy: 'password',
    })
      .setProtectedHeader({ alg: 'ES256', kid: this.#public.kid ?? '', typ: 'jwt' })
      .setIssuer(this.#issuer)
      .setSubject(`user:${account.id}`)
      .setAudience('org:1')
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_LIFE_S}s`)
      .sign(this.#key);
  }
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const kid = `id-${new Date().toISOString().slice(0, 7)}-es256`;
  return { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
}

const keyFile = (folder: string) => join(folder, 'signing-key.json');

function readKey(folder: string): JWK | undefined {
  try {
    return JSON.parse(readFileSync(keyFile(folder), 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeKey(folder: string, key: JWK): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(keyFile(folder), JSON.stringify(key), { mode: 0o600 });
}
