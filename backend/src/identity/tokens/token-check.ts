/** Checks one JWT against its issuer: form, signature, algorithm, issuer, audience, type and times. */
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { KeySet } from './key-set.ts';
import { formOf } from './token-form.ts';

export interface Issuer {
  readonly name: string;
  /** Accepted values of `iss`. */
  readonly issuer: string[];
  readonly audience: string;
  /** Whether the audience must stand alone: a token that is also for somebody else is not one for us. */
  readonly isSoleAudience: boolean;
  /** Accepted values of `typ`, lower-case; a token without one is accepted, too. */
  readonly types: readonly string[];
  /** Most seconds from `iat` to `exp` (ENV-88). */
  readonly lifetimeS: number;
  readonly keys: KeySet;
}

export interface CheckedToken {
  readonly claims: JWTPayload & { readonly exp: number; readonly iat: number };
  readonly kid: string;
}

/** Seconds two clocks may differ. */
export const CLOCK_SKEW_S = 10;

/** @throws Problem `token.invalid` or `token.expired`; the detail never quotes the token */
export async function checkToken(token: string, issuer: Issuer, ambient: Ambient): Promise<CheckedToken> {
  const form = formOf(token);
  if (!form) throw new Problem('token.invalid', `This is not a token of the ${issuer.name}`);
  if (form.type !== null && !issuer.types.includes(form.type)) throw notAccepted(issuer, 'type');
  const key = await issuer.keys.find(form.kid);
  if (!key) throw new Problem('token.invalid', `The ${issuer.name} does not know the key this token is signed with`);
  let claims: JWTPayload;
  try {
    const { payload } = await jwtVerify(token, key.key, {
      algorithms: [key.algorithm],
      issuer: issuer.issuer,
      audience: issuer.audience,
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: CLOCK_SKEW_S,
      currentDate: ambient.now(),
    });
    claims = payload;
  } catch (error) {
    throw refusal(error, issuer);
  }
  assertAudience(claims.aud, issuer);
  assertTimes(claims, issuer, ambient.now());
  return { claims: claims as CheckedToken['claims'], kid: form.kid };
}

function assertAudience(aud: unknown, issuer: Issuer): void {
  const named: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!named.every((one) => typeof one === 'string') || (issuer.isSoleAudience && named.length !== 1))
    throw notAccepted(issuer, 'aud');
}

/** What the library leaves open: it takes 1e999 for a time, and asks neither when a token began nor how long it lives. */
function assertTimes({ iat, exp, nbf }: JWTPayload, issuer: Issuer, now: Date): void {
  for (const [name, at] of Object.entries({ iat, exp, nbf: nbf ?? 0 }))
    if (typeof at !== 'number' || !Number.isFinite(at) || at < 0) throw notAccepted(issuer, name);
  const [begun, ended] = [iat as number, exp as number];
  if (begun > now.getTime() / 1000 + CLOCK_SKEW_S)
    throw new Problem('token.invalid', `The ${issuer.name} issued this token in the future: the clocks differ`);
  if (ended <= begun || ended - begun > issuer.lifetimeS)
    throw new Problem('token.invalid', `A token may live at most ${issuer.lifetimeS} s here, from its iat to its exp`);
}

function refusal(error: unknown, issuer: Issuer): Problem {
  if (error instanceof errors.JWTExpired) return new Problem('token.expired', undefined, {}, error);
  if (error instanceof errors.JWTClaimValidationFailed) return notAccepted(issuer, error.claim, error);
  return new Problem('token.invalid', `The ${issuer.name} did not vouch for this token`, {}, error);
}

const notAccepted = (issuer: Issuer, claim: string, cause?: unknown): Problem =>
  new Problem(
    'token.invalid',
    `The ${issuer.name} did not vouch for this token: its ${claim} is not accepted`,
    {},
    cause,
  );
