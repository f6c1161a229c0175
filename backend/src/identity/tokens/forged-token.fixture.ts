// Tokens as an attacker writes them: any header and any claims as text, signed with a real key, another one, or none.
import { createPrivateKey, createHmac, sign, type KeyObject } from 'node:crypto';
import { exportJWK } from 'jose';
import type { TestKey } from './issuer.fixture.ts';

export type Members = Readonly<Record<string, unknown>>;

/** Of JSON with members exactly as given: `undefined` leaves one out, `Raw` puts text where no value of ours can. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export const jsonOf = (members: Members): string =>
  `{${Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${value instanceof Raw ? value.text : JSON.stringify(value)}`)
    .join(',')}}`;

export const encoded = (text: string): string => Buffer.from(text).toString('base64url');

export async function privateKeyOf(key: TestKey): Promise<KeyObject> {
  return createPrivateKey({ key: (await exportJWK(key.privateKey)) as never, format: 'jwk' });
}

/** ES256 over whatever stands before the signature. */
export function signed(
  header: string,
  claims: string,
  key: KeyObject,
  form: 'ieee-p1363' | 'der' = 'ieee-p1363',
): string {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: form }).toString('base64url')}`;
}

export function signedWithSecret(header: string, claims: string, secret: string | Buffer): string {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** (r, n − s) for (r, s): the other signature that every ECDSA verifier takes for the same message. */
export function malleated(token: string): string {
  const [header, claims, signature] = token.split('.') as [string, string, string];
  const bytes = Buffer.from(signature, 'base64url');
  const s = ORDER - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  return `${header}.${claims}.${other.toString('base64url')}`;
}

/** The same bytes in another spelling: spare bits of the last character set. Null where there are none. */
export function respelled(token: string): string | null {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const spare = token.split('.').at(-1)!.length % 4;
  if (spare === 0) return null;
  return token.slice(0, -1) + ALPHABET[ALPHABET.indexOf(token.at(-1)!) + 1]!;
}
