// The secrets of one checkout, made once and kept in .local/keys, readable by their owner only.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { stateDir } from './programs.ts';

export const gatewayKeyFile = join(stateDir, 'keys', 'gateway.json');
const secretsFile = join(stateDir, 'keys', 'secrets.json');

export interface Secrets {
  readonly plugin_bearer: string;
  readonly node_admin_token: string;
}

/** The gateway's private ES256 key. Its kid starts with `dev-`, by which production mode refuses it. */
export function gatewayKey(file = gatewayKeyFile): Promise<JWK> {
  return keep(file, async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(privateKey);
    const thumbprint = await calculateJwkThumbprint(jwk);
    return { ...jwk, alg: 'ES256', use: 'sig', kid: `dev-${thumbprint.slice(0, 12)}` };
  });
}

export function secrets(file = secretsFile): Promise<Secrets> {
  const secret = (): string => randomBytes(32).toString('base64url');
  return keep(file, () => ({ plugin_bearer: secret(), node_admin_token: secret() }));
}

async function keep<T>(file: string, make: () => T | Promise<T>): Promise<T> {
  const kept = read<T>(file);
  if (kept !== undefined) return kept;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(await make(), null, 2)}\n`, { mode: 0o600 });
  // Linked, not renamed: of two processes that make it at once, both go on with the first one's.
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return read<T>(file) as T;
}

function read<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
