// Prints a Gateway token for trying the API by hand: npm run -s token -- --email a@b.test --role operator
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { importJWK, SignJWT } from 'jose';
import { gatewayKey } from './platform/keys.ts';
import { portsFrom } from './machine/ports.ts';
import { Refusal, runMain } from './machine/refusal.ts';

const usage = `npm run -s token -- --email a@b.test --role operator [--audience cloudlysis-control] [--minutes 60]
npm run -s token -- --email a@b.test --audience cloudlysis-gateway [--tenants 'tenant-01,tenant-02' | '*']`;

export interface TokenRequest {
  readonly email: string;
  readonly role?: string | undefined;
  readonly tenants?: string | undefined;
  readonly audience: string;
  readonly minutes: number;
}

/** Signs what the local gateway would: `iat`, `exp` and `auth_time` in seconds, `tenants` as a list. */
export async function signToken(request: TokenRequest, issuer: string, keyFile?: string): Promise<string> {
  const jwk = await gatewayKey(keyFile);
  const now = Math.floor(Date.now() / 1000);
  const { email, role, tenants } = request;
  return new SignJWT({ email, auth_time: now, ...(role && { role }), ...(tenants && { tenants: tenants.split(',') }) })
    .setProtectedHeader({ alg: 'ES256', kid: jwk.kid as string, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(request.audience)
    .setSubject(email)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + request.minutes * 60)
    .sign(await importJWK(jwk, 'ES256'));
}

export function tokenRequest(args: string[]): TokenRequest {
  const text = { type: 'string' } as const;
  const options = { email: text, role: text, tenants: text, audience: text, minutes: text };
  const { values } = parseArgs({ args, options });
  const audience = values.audience ?? 'cloudlysis-control';
  const minutes = Number(values.minutes ?? 60);
  if (!values.email || !(minutes > 0)) throw new Refusal(usage);
  const tenants = values.tenants ?? (audience === 'cloudlysis-gateway' ? '*' : undefined);
  return { email: values.email, role: values.role, tenants, audience, minutes };
}

async function main(): Promise<void> {
  const issuer = process.env['GATEWAY_ISSUER'] ?? `http://127.0.0.1:${portsFrom(process.env).PORT_GATEWAY.port}`;
  let request: TokenRequest;
  try {
    request = tokenRequest(process.argv.slice(2));
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(`${(error as Error).message}\n${usage}`);
  }
  process.stdout.write(`${await signToken(request, issuer)}\n`);
}

if (import.meta.main) await runMain(main);
