import { expect, it } from '@jest/globals';
import { chooseGrafana } from './grafana-choice.ts';
import { appRows, installText } from './open-app.ts';
import { portsFrom } from '../machine/ports.ts';

const settings = { CONTROL_API_URL: 'http://127.0.0.1:4000', PLUGIN_BEARER: 'not-to-be-printed' };
const choose = (env: NodeJS.ProcessEnv, program?: string) => chooseGrafana(env, portsFrom({}), () => program);

it('for GRAFANA_URL it says how the app gets there, and whom the backend trusts; the token itself is not printed', () => {
  const given = choose({ GRAFANA_URL: 'https://grafana.test' });
  const text = installText(given, settings);
  expect(text).toContain('allow_loading_unsigned_plugins = cloudlysis-control-app');
  expect(text).toContain('provisioning/plugins/cloudlysis-control.yaml');
  expect(text).toContain('CONTROL_API_URL=http://127.0.0.1:4000');
  expect(text).toContain('issued by https://grafana.test/ with the keys at https://grafana.test/api/signing-keys/keys');
  expect(text).not.toContain(settings.PLUGIN_BEARER);
  expect(appRows(given)).toEqual([['app', 'https://grafana.test/a/cloudlysis-control-app', expect.any(String)]]);
});

it('what is started here says where the app is and who may sign in', () => {
  expect(installText(choose({}), settings)).toBe('');
  expect(appRows(choose({}, '/usr/bin/grafana'))[0]?.[2]).toContain('admin/admin');
  const rows = appRows(choose({ WORKBENCH: '12,13' }));
  expect(rows.map(([, url]) => url)).toEqual(
    [3000, 3001].map((port) => `http://127.0.0.1:${port}/a/cloudlysis-control-app`),
  );
  for (const [, , who] of rows) expect(who).toContain('editor/editor, viewer/viewer');
});
