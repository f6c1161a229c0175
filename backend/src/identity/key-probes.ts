/** The sources of the keys that tokens are checked by, as connections. */
import { bareUrl } from '../kernel/bare-url.ts';
import { plural } from '../kernel/figures.ts';
import type { Probe } from '../feature/probe.ts';
import type { KeySource } from './tokens/authenticator.ts';

const KEYS_OF = { gateway: 'Keys of the Gateway (JWKS)', grafana: 'Keys of Grafana (JWKS)' } as const;

export const keyProbe = ({ id, url, check }: KeySource): Probe => ({
  id: `jwks.${id}`,
  title: KEYS_OF[id],
  target: url === null ? '' : bareUrl(url),
  run: async () => {
    if (url === null) return null;
    const keys = await check();
    if (keys === 0) throw new Error('none of its keys can be used here');
    return `${plural(keys, 'key')} can be used`;
  },
});
