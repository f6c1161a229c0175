// The ports of the local platform: their defaults, the variable that moves each, and who holds one that is busy.
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

export interface Port {
  readonly port: number;
  readonly variable: string;
  readonly purpose: string;
}

const defaults = {
  PORT_BACKEND: [4000, 'the control plane API'],
  PORT_GATEWAY: [8080, 'the gateway'],
  PORT_A1: [8101, 'aggregate a1'],
  PORT_A2: [8102, 'aggregate a2'],
  PORT_P1: [8111, 'projection p1'],
  PORT_P2: [8112, 'projection p2'],
  PORT_R1: [8121, 'runner r1'],
  PORT_R2: [8122, 'runner r2'],
  PORT_MONGO: [27017, 'MongoDB'],
  PORT_NATS: [4222, 'NATS'],
  PORT_NATS_MONITOR: [8222, 'the monitoring page of NATS'],
  PORT_GRAFANA: [3000, 'Grafana'],
  PORT_GRAFANA_13: [3001, "the workbench's second host"],
} as const satisfies Record<string, readonly [number, string]>;

export type PortName = keyof typeof defaults;

export function portsFrom(env: NodeJS.ProcessEnv): Record<PortName, Port> {
  const entries = Object.entries(defaults).map(([variable, [byDefault, purpose]]) => {
    const port = Number(env[variable] ?? byDefault);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`${variable} is not a port number`);
    return [variable, { port, variable, purpose }] as const;
  });
  return Object.fromEntries(entries) as Record<PortName, Port>;
}

/** One line per port that cannot be listened on: which, for what, who holds it, what moves it. */
export async function portConflicts(wanted: readonly Port[]): Promise<string[]> {
  const byNumber = [...Map.groupBy(wanted, ({ port }) => port).values()];
  return (await Promise.all(byNumber.map(conflictsOf))).flat();
}

async function conflictsOf(sharing: readonly Port[]): Promise<string[]> {
  const [first] = sharing;
  if (first === undefined) return [];
  const names = sharing.map(({ variable }) => variable).join(' and ');
  const twice = sharing.length > 1 ? [`port ${first.port} is asked for more than once: by ${names}`] : [];
  return (await isFree(first.port)) ? twice : [...twice, describe(first)];
}

function describe({ port, purpose, variable }: Port): string {
  const pid = portHolder(port);
  const by = pid === undefined ? '' : ` by pid ${pid} (${commandOf(pid)})`;
  return `port ${port}, for ${purpose}, is taken${by}: stop that, or set ${variable} to another port`;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}

/** The process that listens on the port, where /proc tells (Linux, and a process we may look at). */
export function portHolder(port: number): number | undefined {
  const sockets = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeners(file, port));
  if (sockets.length === 0) return undefined;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).find((pid) => holdsOneOf(pid, sockets));
}

function listeners(file: string, port: number): string[] {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = read(file).split('\n').slice(1);
  const columns = rows.map((row) => row.trim().split(/\s+/));
  return columns
    .filter(([, local, , state]) => local?.endsWith(hex) && state === '0A')
    .map((row) => `socket:[${row[9]}]`);
}

function holdsOneOf(pid: number, sockets: readonly string[]): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.includes(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim().slice(0, 80);
