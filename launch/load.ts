// npm run load -- --seconds 30: the seeded load generator against the platform that `npm start` runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { gatewayKey, gatewayKeyFile } from './platform/keys.ts';
import { portsFrom } from './machine/ports.ts';
import { root } from './machine/programs.ts';
import { runMain } from './machine/refusal.ts';

async function main(): Promise<void> {
  const ports = portsFrom(process.env);
  const gateway = `http://127.0.0.1:${ports.PORT_GATEWAY.port}`;
  const nats = process.env['NATS_URL'] ?? `nats://127.0.0.1:${ports.PORT_NATS.port}`;
  await gatewayKey();
  const script = join(root, 'dataplane', 'src', 'load', 'main.ts');
  const where = ['--gateway', gateway, '--issuer', gateway, '--nats', nats, '--key-file', gatewayKeyFile];
  const child = spawn(process.execPath, [script, ...where, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}

await runMain(main);
