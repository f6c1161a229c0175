/** What differs between environments for whom we let in: the tier each belongs to, and how long its tokens may live. */
import type { Tier } from '@cloudlysis/contract';

/** Environments and the tier they belong to (CON-02): an assignment to the tier holds in each of them. */
const TIER: Readonly<Record<string, Tier>> = {
  local: 'dev',
  preview: 'dev',
  dev: 'dev',
  staging: 'staging',
  prod: 'prod',
};

const DAY_S = 86_400;
/** ENV-88: seconds from `iat` to `exp`. A revocation is kept this long, so no token may live longer. */
const TOKEN_LIFETIME_S: Readonly<Record<Tier, number>> = { dev: 7 * DAY_S, staging: 2 * DAY_S, prod: DAY_S };

export const tierOf = (environment: string): Tier | null => TIER[environment] ?? null;

/** Of a token that has effect in all of them: as long as the strictest lets it. */
export const tokenLifetimeS = (environments: readonly { readonly tier: Tier }[]): number =>
  Math.min(...environments.map(({ tier }) => TOKEN_LIFETIME_S[tier]));
