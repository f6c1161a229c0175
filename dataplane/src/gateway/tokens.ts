// Who is calling: Gateway JWTs (ES256), checked against the gateway's own key and against revocations, warm in a cache.
import { readFile } from 'node:fs/promises';
import { importJWK, jwtVerify, type CryptoKey, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { ambient } from '../platform/ambient.ts';
import type { Mirrored } from '../platform/kv-mirror.ts';
import { Problem } from '../platform/problem.ts';

export const AUDIENCE = 'cloudlysis-gateway';
const CACHED_TOKENS = 2000;

export interface Caller {
  tenants: string[];
  /** jti and session id: either one revoked ends the token. */
  ids: string[];
  expires: number;
}

/** As long as any token may live (7 days), and an hour for clocks. */
export const LONGEST_TOKEN_MS = 7 * 86_400_000 + 3_600_000;
const SWEEP_MS = 3_600_000;

/** Ids that the bucket has, and those that it lost: only a delete or purge of the key takes a revocation back. */
export class Revocations implements Mirrored {
  private readonly ids = new Set<string>();
  /** Until when the lost ones count; none is dropped for their number. */
  private readonly lost = new Map<string, number>();
  private swept = 0;
  private readonly now: () => number;
  constructor(now: () => number = () => ambient.now()) {
    this.now = now;
  }
  keys(): Iterable<string> {
    return this.ids;
  }
  apply(key: string, value: unknown): void {
    this.lost.delete(key);
    if (value === undefined) this.ids.delete(key);
    else this.ids.add(key);
  }
  missing(key: string): void {
    const now = this.now();
    if (now > this.swept + SWEEP_MS) {
      this.swept = now;
      for (const [id, end] of this.lost) if (end <= now) this.lost.delete(id);
    }
    if (this.ids.delete(key)) this.lost.set(key, now + LONGEST_TOKEN_MS);
  }
  revoked(caller: Caller): boolean {
    return caller.ids.some((id) => this.ids.has(id) || (this.lost.get(id) ?? 0) > this.now());
  }
}

export class Tokens {
  readonly jwks: { keys: JWK[] };
  readonly revocations = new Revocations();
  private readonly key: CryptoKey;
  private readonly issuer: string;
  private readonly cache = new LRUCache<string, Caller>({ max: CACHED_TOKENS });

  private constructor(jwk: JWK, key: CryptoKey, issuer: string) {
    this.jwks = { keys: [jwk] };
    this.key = key;
    this.issuer = issuer;
  }

  static async fromKeyFile(path: string, issuer: string): Promise<Tokens> {
    const { kty, crv, x, y, kid, d } = JSON.parse(await readFile(path, 'utf8')) as JWK;
    if (kty !== 'EC' || crv !== 'P-256' || !x || !y || !kid || !d)
      throw new Error(`${path} is not a P-256 JWK with kid`);
    const jwk: JWK = { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' };
    return new Tokens(jwk, (await importJWK(jwk, 'ES256')) as CryptoKey, issuer);
  }

  async caller(authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw new Problem('auth.required', 'send a Gateway token as a bearer');
    const caller = this.cache.get(token) ?? (await this.verify(token));
    if (caller.expires <= ambient.now()) throw new Problem('auth.required', 'the token has expired');
    if (this.revocations.revoked(caller)) throw new Problem('auth.required', 'the session was revoked');
    return caller;
  }

  private async verify(token: string): Promise<Caller> {
    const options = { issuer: this.issuer, audience: AUDIENCE, algorithms: ['ES256'], requiredClaims: ['exp'] };
    const { payload } = await jwtVerify(token, this.key, options).catch((err: unknown) => {
      throw new Problem('auth.required', `the token was refused: ${(err as Error).message}`);
    });
    const tenants = payload['tenants'];
    const ids = [payload.jti as unknown, payload['sid']].flatMap((id) =>
      typeof id === 'string' || typeof id === 'number' ? String(id) : [],
    );
    const caller: Caller = {
      tenants: Array.isArray(tenants) ? tenants.filter((tenant) => typeof tenant === 'string') : [],
      ids,
      expires: (payload.exp ?? 0) * 1000,
    };
    this.cache.set(token, caller);
    return caller;
  }
}

export const mayUse = (caller: Caller, tenant: string): boolean =>
  caller.tenants.includes('*') || caller.tenants.includes(tenant);
