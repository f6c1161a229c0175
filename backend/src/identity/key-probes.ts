/** The sources of the keys that tokens are checked by, as connections. */
import { bareUrl } from '../kernel/bare-url.ts';
import { plural } from '../kernel/figures.ts';
import type { Probe } from '../feature/probe.ts';
import type { KeySource } from './tokens/authenticator.ts';

const titleOf = ({ id, environment }: KeySource): string => {
  if (id === 'grafana') return 'Keys of Grafana (JWKS)';
  return environment === null ? 'Keys of the Gateway (JWKS)' : `Keys of the Gateway of ${environment} (JWKS)`;
};

export const keyProbe = ({ url, check, ...source }: KeySource): Probe => ({
  id: ['jwks', source.id, source.environment].filter(Boolean).join('.'),
  title: titleOf({ url, check, ...source }),
  target: url === null ? '' : bareUrl(url),
  run: async () => {
    if (url === null) return null;
    const keys = await check();
    if (keys === 0) throw new Error('none of its keys can be used here');
    return `${plural(keys, 'key')} can be used`;
  },
});
