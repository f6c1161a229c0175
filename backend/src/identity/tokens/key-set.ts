/** An issuer's public keys (JWKS), cached; asked for again when a token names a key that is not known. */
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';

export interface VerificationKey {
  readonly key: CryptoKey;
  readonly algorithm: string;
}

interface KeySetOptions {
  readonly url: string;
  readonly ambient: Ambient;
  /** Algorithms this issuer may sign with. */
  readonly algorithms: readonly string[];
  /** Least milliseconds between two fetches, so that tokens with made-up key ids cannot hammer the issuer; 30 000 unless told. */
  readonly cooldownMs?: number;
  /** Milliseconds after which known keys are read again, so that a withdrawn key is dropped; an hour unless told. */
  readonly maxAgeMs?: number;
}

const FETCH_MS = 3_000;
const MAX_BYTES = 256 * 1024;

export class KeySet {
  private keys = new Map<string, VerificationKey>();
  private fetchedAt = Number.NEGATIVE_INFINITY;
  private triedAt = Number.NEGATIVE_INFINITY;
  private fetching: Promise<void> | null = null;
  private readonly options: KeySetOptions;

  constructor(options: KeySetOptions) {
    this.options = options;
  }

  /** The key of that id; undefined when the issuer has none. @throws Problem `token.invalid` when no keys could ever be read */
  async find(kid: string): Promise<VerificationKey | undefined> {
    const age = this.options.ambient.monotonic() - this.fetchedAt;
    const known = this.keys.get(kid);
    if (known && age < (this.options.maxAgeMs ?? 3_600_000)) return known;
    await this.refresh();
    return this.keys.get(kid);
  }

  get url(): string {
    return this.options.url;
  }

  /** Reads the keys now, whatever the cooldown: an operator asks. @throws Error that says what came instead */
  async check(): Promise<number> {
    await (this.fetching ??= this.fetch().finally(() => (this.fetching = null)));
    return this.keys.size;
  }

  /** One fetch at a time, and none within the cooldown; an issuer that is away leaves the keys as they were. */
  private async refresh(): Promise<void> {
    const now = this.options.ambient.monotonic();
    // Without any key nobody can be let in, so an issuer that starts after us is asked again soon.
    const cooldown = this.keys.size === 0 ? 1_000 : (this.options.cooldownMs ?? 30_000);
    if (!this.fetching && now - this.triedAt >= cooldown) {
      this.triedAt = now;
      this.fetching = this.fetch().finally(() => (this.fetching = null));
    }
    const cause = await this.fetching?.then(() => undefined, (error: unknown) => error); // prettier-ignore
    if (this.keys.size === 0) throw new Problem('issuer.unavailable', undefined, {}, cause);
  }

  private async fetch(): Promise<void> {
    const { ambient, url } = this.options;
    const late = new AbortController();
    const cancel = ambient.after(FETCH_MS, () => late.abort(new Error(`${url} did not answer within ${FETCH_MS} ms`)));
    const text = await this.read(late.signal).finally(cancel);
    if (text.length > MAX_BYTES) throw new Error(`${url} is larger than ${MAX_BYTES} bytes`);
    const { keys } = JSON.parse(text) as { keys?: readonly JWK[] };
    if (!Array.isArray(keys)) throw new Error(`${url} is not a JWKS`);
    const imported = await Promise.all(keys.slice(0, 100).map((jwk: JWK) => this.import(jwk)));
    this.keys = new Map(imported.filter((entry) => entry !== null));
    this.fetchedAt = ambient.monotonic();
  }

  private async read(signal: AbortSignal): Promise<string> {
    const { ambient, url } = this.options;
    const answer = await ambient.fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    return answer.text();
  }

  /** A key that is unnamed, of the wrong use or of an algorithm outside the allow-list is as good as absent. */
  private async import(jwk: JWK): Promise<[string, VerificationKey] | null> {
    const algorithm = jwk.alg ?? ALGORITHM_OF[jwk.crv ?? jwk.kty ?? ''];
    if (!jwk.kid || !algorithm || !this.options.algorithms.includes(algorithm)) return null;
    if (jwk.use !== undefined && jwk.use !== 'sig') return null;
    try {
      // Private parts are left behind, should an issuer publish them by mistake.
      const { kty, crv, x, y, n, e } = jwk;
      const given = Object.fromEntries(
        Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
      );
      return [jwk.kid, { key: (await importJWK(given as JWK, algorithm)) as CryptoKey, algorithm }];
    } catch {
      return null;
    }
  }
}

const ALGORITHM_OF: Readonly<Record<string, string>> = { 'P-256': 'ES256', Ed25519: 'EdDSA', RSA: 'RS256' };
