// The secrets of one checkout, made once and kept in .local/keys, readable by their owner only.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { stateDir } from '../machine/programs.ts';

export const gatewayKeyFile = join(stateDir, 'keys', 'gateway.json');
const secretsFile = join(stateDir, 'keys', 'secrets.json');

export const controlKeyFile = join(stateDir, 'keys', 'control_key');

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

/** The file with the control plane's own secret (docs/control-key.md), made where there is none. */
export async function controlKey(file = controlKeyFile): Promise<string> {
  await keepText(file, () => randomBytes(32).toString('base64'));
  return file;
}

async function keep<T>(file: string, make: () => T | Promise<T>): Promise<T> {
  return JSON.parse(await keepText(file, async () => JSON.stringify(await make(), null, 2))) as T;
}

async function keepText(file: string, make: () => string | Promise<string>): Promise<string> {
  const kept = read(file);
  if (kept !== undefined) return kept;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${await make()}\n`, { mode: 0o600 });
  // Linked, not renamed: of two processes that make it at once, both go on with the first one's.
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return read(file) as string;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
