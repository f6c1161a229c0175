// CLI of the load generator; prints the result as JSON and exits 1 when anything was lost or done twice.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { SignJWT, importJWK, type JWK } from 'jose';
import { runLoad } from './run-load.ts';

const USAGE =
  'usage: node dataplane/src/load/main.ts --gateway URL --nats URL (--token-file F | --key-file JWK) ' +
  '[--tenants 12|a,b,c] [--rate 200] [--seconds 10] [--seed 42] [--noisy TENANT] [--issuer ISS]\n';

const { values } = parseArgs({
  options: {
    gateway: { type: 'string' },
    nats: { type: 'string' },
    tenants: { type: 'string', default: '12' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '42' },
    noisy: { type: 'string' },
    issuer: { type: 'string', default: 'cloudlysis-gateway' },
    'token-file': { type: 'string' },
    'key-file': { type: 'string' },
  },
});

/** A development token for the load alone, signed with the gateway's own key. */
async function mint(keyFile: string): Promise<string> {
  const jwk = JSON.parse(await readFile(keyFile, 'utf8')) as JWK;
  return new SignJWT({ tenants: ['*'] })
    .setProtectedHeader({ alg: 'ES256', ...(jwk.kid ? { kid: jwk.kid } : {}) })
    .setIssuer(values.issuer)
    .setAudience('cloudlysis-gateway')
    .setSubject('load')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(await importJWK(jwk, 'ES256'));
}

const token = values['token-file']
  ? (await readFile(values['token-file'], 'utf8')).trim()
  : values['key-file'] && (await mint(values['key-file']));
if (!values.gateway || !values.nats || !token) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const result = await runLoad(
  {
    gateway: values.gateway,
    nats: values.nats,
    tenants: /^\d+$/.test(values.tenants) ? Number(values.tenants) : values.tenants.split(','),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    token,
    ...(values.noisy ? { noisy: values.noisy } : {}),
  },
  stop.signal,
);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.exitCode = result.lost + result.duplicated + result.gaps > 0 ? 1 : 0;
