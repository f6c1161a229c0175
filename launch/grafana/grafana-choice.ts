// Decides which Grafana `npm start` opens the app in: GRAFANA_URL, a grafana binary on PATH, else the workbench.
import { onPath } from '../machine/programs.ts';
import type { Port, PortName } from '../machine/ports.ts';
import { Refusal } from '../machine/refusal.ts';

export type HostVersion = '12' | '13';

export interface Host {
  readonly version: HostVersion;
  readonly port: number;
  readonly url: string;
}

interface Chosen {
  /** Where it is, without a slash at the end. */
  readonly url: string;
  /** What it signs its ID tokens as: Grafana's root_url, which ends with a slash. */
  readonly issuer: string;
}

export type GrafanaChoice =
  | (Chosen & { readonly kind: 'given' })
  | (Chosen & { readonly kind: 'binary'; readonly program: string; readonly port: number })
  | (Chosen & { readonly kind: 'workbench'; readonly hosts: readonly [Host, ...Host[]] });

type Ports = Pick<Record<PortName, Port>, 'PORT_GRAFANA' | 'PORT_GRAFANA_13'>;

/** Looks at the environment and the PATH alone; starts and installs nothing. WORKBENCH=12, 13 or 12,13 asks for it. */
export function chooseGrafana(env: NodeJS.ProcessEnv, ports: Ports, find = onPath): GrafanaChoice {
  const given = env['GRAFANA_URL'];
  const asked = env['WORKBENCH'];
  if (given && asked)
    throw new Refusal('GRAFANA_URL names a Grafana and WORKBENCH asks for the stand-in: set one of them.');
  if (given) return { kind: 'given', ...chosen(givenUrl(given), env) };
  const { port } = ports.PORT_GRAFANA;
  const program = asked ? undefined : (find('grafana') ?? find('grafana-server'));
  if (program) return { kind: 'binary', program, port, ...chosen(local(port), env) };
  const hosts = hostsOf(asked || '12', ports);
  return { kind: 'workbench', hosts, ...chosen(hosts[0].url, env) };
}

/** The ports it will listen on. */
export function grafanaPorts(choice: GrafanaChoice): PortName[] {
  if (choice.kind === 'given') return [];
  return choice.kind === 'workbench' && choice.hosts.length > 1
    ? ['PORT_GRAFANA', 'PORT_GRAFANA_13']
    : ['PORT_GRAFANA'];
}

function hostsOf(asked: string, ports: Ports): [Host, ...Host[]] {
  const versions = asked.split(',').map((part) => part.trim());
  const [first, second, ...more] = versions;
  if (!isVersion(first) || more.length > 0 || first === second)
    throw new Refusal(`WORKBENCH=${asked}: 12, 13 or 12,13`);
  if (second === undefined) return [hostOf(first, ports.PORT_GRAFANA.port)];
  if (!isVersion(second)) throw new Refusal(`WORKBENCH=${asked}: 12, 13 or 12,13`);
  return [hostOf(first, ports.PORT_GRAFANA.port), hostOf(second, ports.PORT_GRAFANA_13.port)];
}

function givenUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new Refusal(`GRAFANA_URL=${text} is not an http(s) address.`);
  return text.replace(/\/+$/, '');
}

const chosen = (url: string, env: NodeJS.ProcessEnv): Chosen => ({ url, issuer: env['GRAFANA_ISSUER'] || `${url}/` });
const hostOf = (version: HostVersion, port: number): Host => ({ version, port, url: local(port) });
const isVersion = (text: string | undefined): text is HostVersion => text === '12' || text === '13';
const local = (port: number): string => `http://127.0.0.1:${port}`;
