// Both hosts of the workbench in one process: one sign-in and one signing key count on either of them.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endingWithParent } from '../../../launch/machine/parent-death.ts';
import { root } from '../../../launch/machine/programs.ts';
import { freePort } from '../../../testing/processes.ts';

export type HostMajor = '12' | '13';
export type HostUrls = Readonly<Record<HostMajor, string>>;

export interface Upstream {
  readonly CONTROL_API_URL: string;
  readonly PLUGIN_BEARER: string;
}

/** Changed sources of the workbench are bundled first, 5 s a host on an idle machine. */
const READY_MS = 120_000;

export async function freeHostUrls(): Promise<HostUrls> {
  const [twelve, thirteen] = await Promise.all([freePort(), freePort()]);
  return { '12': `http://127.0.0.1:${twelve}`, '13': `http://127.0.0.1:${thirteen}` };
}

export class Hosts {
  readonly urls: HostUrls;
  readonly #child: ChildProcess;
  #output = '';

  constructor(urls: HostUrls, upstream: Upstream) {
    this.urls = urls;
    const serve = Object.entries(urls).flatMap(([major, url]) => ['--serve', `${major}:${new URL(url).port}`]);
    const where = ['--provisioning', join(root, 'provisioning'), '--dist', join(root, 'plugin', 'dist')];
    const script = join(root, 'workbench', 'src', 'main.ts');
    const [program, args] = endingWithParent(
      process.execPath,
      [script, ...serve, '--issuer', urls['12'], ...where],
      'KILL'
    );
    this.#child = spawn(program, args, { env: { ...process.env, ...upstream }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output = (this.#output + String(chunk)).slice(-4_000)));
  }

  async untilReady(): Promise<void> {
    for (const end = performance.now() + READY_MS; ; await sleep(50)) {
      if (this.#child.exitCode !== null) throw new Error(`the workbench ended while starting\n${this.#output}`);
      const answers = await Promise.all(Object.values(this.urls).map(isUp));
      if (answers.every(Boolean)) return;
      if (performance.now() > end) throw new Error(`the workbench is not ready\n${this.#output}`);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

const isUp = (url: string): Promise<boolean> =>
  fetch(`${url}/api/health`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false
  );
