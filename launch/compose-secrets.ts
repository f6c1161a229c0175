// Makes the secrets that docker-compose.yaml mounts, once; its own, for production mode refuses the `dev-` key.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { localDir, say } from './machine/programs.ts';
import { runMain } from './machine/refusal.ts';

async function signingKey(): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  return JSON.stringify({ ...jwk, alg: 'ES256', use: 'sig', kid: await calculateJwkThumbprint(jwk) });
}

export async function makeComposeSecrets(folder: string): Promise<void> {
  // The folder keeps others on the host out; the files are readable, for the containers' users are not the host's.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const secret = (): string => randomBytes(32).toString('base64url');
  const values = {
    gateway_key: await signingKey(),
    plugin_bearer: secret(),
    node_admin_token: secret(),
    control_key: secret(),
    grafana_admin_password: secret(),
  };
  for (const [name, value] of Object.entries(values)) {
    const file = join(folder, name);
    if (!existsSync(file)) writeFileSync(file, value, { mode: 0o444 });
  }
}

async function main(): Promise<void> {
  const folder = join(localDir, 'compose-secrets');
  await makeComposeSecrets(folder);
  say('secrets are in .local/compose-secrets: SECRETS_DIR=.local/compose-secrets docker compose up --build --wait');
}

if (import.meta.main) await runMain(main);
