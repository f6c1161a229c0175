import { expect, it } from '@jest/globals';
import { chooseGrafana, grafanaPorts } from './grafana-choice.ts';
import { portsFrom } from '../machine/ports.ts';

const ports = portsFrom({ PORT_GRAFANA: '3100', PORT_GRAFANA_13: '3101' });
const none = (): undefined => undefined;
const only = (name: string) => (asked: string) => (asked === name ? `/opt/bin/${name}` : undefined);
const host = (version: string, port: number): object => ({ version, port, url: `http://127.0.0.1:${port}` });

it('GRAFANA_URL is taken before a binary on PATH, and nothing is listened on', () => {
  const choice = chooseGrafana({ GRAFANA_URL: 'https://grafana.test/sub/' }, ports, only('grafana'));
  expect(choice).toEqual({ kind: 'given', url: 'https://grafana.test/sub', issuer: 'https://grafana.test/sub/' });
  expect(grafanaPorts(choice)).toEqual([]);
});

it('GRAFANA_ISSUER says what a Grafana signs as, when its root_url is not where it is reached', () => {
  const env = { GRAFANA_URL: 'http://grafana:3000', GRAFANA_ISSUER: 'https://ops.test/' };
  expect(chooseGrafana(env, ports, none)).toMatchObject({ url: 'http://grafana:3000', issuer: 'https://ops.test/' });
});

it.each(['grafana', 'grafana-server'])('%s on PATH is taken before the workbench', (name) => {
  const choice = chooseGrafana({}, ports, only(name));
  const url = 'http://127.0.0.1:3100';
  expect(choice).toEqual({ kind: 'binary', program: `/opt/bin/${name}`, port: 3100, url, issuer: `${url}/` });
  expect(grafanaPorts(choice)).toEqual(['PORT_GRAFANA']);
});

it('without either it is the workbench, as Grafana 12', () => {
  const choice = chooseGrafana({}, ports, none);
  expect(choice).toMatchObject({ kind: 'workbench', hosts: [host('12', 3100)], issuer: 'http://127.0.0.1:3100/' });
  expect(grafanaPorts(choice)).toEqual(['PORT_GRAFANA']);
});

it('WORKBENCH asks for it by version, also where there is a binary; two hosts take two ports and one issuer', () => {
  expect(chooseGrafana({ WORKBENCH: '13' }, ports, only('grafana'))).toMatchObject({ hosts: [host('13', 3100)] });
  const both = chooseGrafana({ WORKBENCH: '12,13' }, ports, none);
  expect(both).toMatchObject({ hosts: [host('12', 3100), host('13', 3101)], issuer: 'http://127.0.0.1:3100/' });
  expect(grafanaPorts(both)).toEqual(['PORT_GRAFANA', 'PORT_GRAFANA_13']);
});

it.each([
  [{ GRAFANA_URL: 'http://g.test', WORKBENCH: '12' }, 'set one of them'],
  [{ GRAFANA_URL: 'grafana.test' }, 'not an http(s) address'],
  [{ WORKBENCH: '11' }, 'WORKBENCH=11: 12, 13 or 12,13'],
  [{ WORKBENCH: '12,12' }, 'WORKBENCH=12,12: 12, 13 or 12,13'],
  [{ WORKBENCH: '12,14' }, 'WORKBENCH=12,14: 12, 13 or 12,13'],
])('%j is refused', (env, why) => {
  expect(() => chooseGrafana(env, ports, none)).toThrow(why);
});
