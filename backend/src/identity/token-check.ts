/** Checks one JWT against its issuer: signature, algorithm, issuer, audience and times. */
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../ambient.ts';
import type { KeySet } from './key-set.ts';

export interface Issuer {
  readonly name: string;
  /** Accepted values of `iss`. */
  readonly issuer: string[];
  readonly audience: string;
  readonly keys: KeySet;
}

export interface CheckedToken {
  readonly claims: JWTPayload & { readonly exp: number };
  readonly kid: string;
}

/** Seconds two clocks may differ. */
export const CLOCK_SKEW_S = 10;
const MAX_TOKEN = 8 * 1024;

/** @throws Problem `token.invalid` or `token.expired`; the detail never quotes the token */
export async function checkToken(token: string, issuer: Issuer, ambient: Ambient): Promise<CheckedToken> {
  const kid = keyIdOf(token, issuer);
  const key = await issuer.keys.find(kid);
  if (!key) throw new Problem('token.invalid', `The ${issuer.name} does not know the key this token is signed with`);
  try {
    const { payload } = await jwtVerify(token, key.key, {
      algorithms: [key.algorithm],
      issuer: issuer.issuer,
      audience: issuer.audience,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_SKEW_S,
      currentDate: ambient.now(),
    });
    return { claims: payload as CheckedToken['claims'], kid };
  } catch (error) {
    throw refusal(error, issuer);
  }
}

function keyIdOf(token: string, issuer: Issuer): string {
  try {
    const { kid } = token.length <= MAX_TOKEN ? decodeProtectedHeader(token) : {};
    if (typeof kid === 'string' && kid !== '') return kid;
  } catch {
    // Not a JWT at all.
  }
  throw new Problem('token.invalid', `This is not a token of the ${issuer.name}`);
}

function refusal(error: unknown, issuer: Issuer): Problem {
  if (error instanceof errors.JWTExpired) return new Problem('token.expired', undefined, {}, error);
  const claim = error instanceof errors.JWTClaimValidationFailed ? `: its ${error.claim} is not accepted` : '';
  return new Problem('token.invalid', `The ${issuer.name} did not vouch for this token${claim}`, {}, error);
}
