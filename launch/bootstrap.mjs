// The first thing every npm script runs: needs nothing but Node ≥ 20, installs what is missing, hands over to Node 24.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { withLock } from './machine/lock.mjs';
import { isInstalled, npmCi } from './packages/packages.mjs';

const scripts = {
  start: 'launch/start.ts',
  test: 'launch/test.ts',
  e2e: 'launch/e2e.ts',
  crash: 'launch/crash.ts',
  package: 'plugin/scripts/package.ts',
  reset: 'launch/reset.ts',
  token: 'launch/token.ts',
  load: 'launch/load.ts',
  'compose-secrets': 'launch/compose-secrets.ts',
  bench: 'bench/main.ts',
  conformance: 'dataplane/src/conformance/main.ts',
  openapi: 'launch/openapi.ts',
  requirements: 'launch/requirements.ts',
};

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const node = join(root, 'node_modules', 'node', 'bin', 'node');
// On stderr: what a script prints (a token) is often piped.
const say = (line) => process.stderr.write(`• ${line}\n`);

async function main([name, ...args]) {
  if (!Object.hasOwn(scripts, name ?? '')) throw new Error(`which one? ${Object.keys(scripts).join(', ')}`);
  const [major] = process.versions.node.split('.');
  if (Number(major) < 20) throw new Error(`Node ${process.versions.node} is too old. Install Node 20 or newer.`);
  if (!installed()) {
    await withLock(
      join(root, '.local', 'npm.lock'),
      (pid) => say(`waiting for process ${pid ?? '?'}, which is installing npm packages`),
      () => (installed() ? undefined : install()),
    );
  }
  await handOver(join(root, scripts[name]), args);
}

const installed = () => existsSync(node) && isInstalled(root);

async function install() {
  const what = existsSync(join(root, 'node_modules')) ? 'node_modules does not match package-lock.json' : 'first run';
  say(`installing npm packages, Node 24 among them (npm ci, about a minute): ${what}`);
  const [program, args] = npmCi();
  const { code } = await run(program, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (code !== 0) throw new Error('npm ci failed. The npm registry must be reachable once; then run this again.');
  if (!existsSync(node))
    throw new Error('Node 24 was not installed: allow install scripts (npm config ignore-scripts).');
}

async function handOver(script, args) {
  if (!existsSync(script)) throw new Error(`${script} does not exist (yet).`);
  // The channel carries no message: its end tells a supervisor that this process was killed.
  const { code, signal } = await run(node, [script, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
}

function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, options);
    const forward = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
    stopWithNpm(child);
    child.on('error', (error) => reject(new Error(`cannot run ${program}: ${error.message}`)));
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
}

// npm passes a signal on to its shell only, which dies of it and leaves us behind; killed, npm passes on nothing.
function stopWithNpm(child) {
  const parent = process.ppid;
  const look = () => process.ppid !== parent && child.kill('SIGTERM');
  if (process.env.npm_lifecycle_event) setInterval(look, 500).unref();
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`✗ ${error.message}\n`);
  process.exitCode = 1;
});
