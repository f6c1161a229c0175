// The modules a Grafana shares with its plugins, as far as a plugin of ours may ask for them.
// The host provides exactly these, and the guard refuses a bundle that asks for anything else.
// Left out on purpose: `react-router-dom`, which Grafana 12 and 13 share as v5 while plugins are written against v6,
// and `react-dom/client`, which not every Grafana shares. Both belong inside the bundle.
export const SHARED_MODULES = [
  '@emotion/css',
  '@emotion/react',
  '@grafana/data',
  '@grafana/data/unstable',
  '@grafana/runtime',
  '@grafana/runtime/unstable',
  '@grafana/ui',
  '@grafana/ui/unstable',
  'emotion',
  'i18next',
  'lodash',
  'moment',
  'react',
  'react/jsx-runtime',
  'react-dom',
  'react-inlinesvg',
  'react-router',
  'rxjs',
  'rxjs/operators',
] as const;

export type SharedModule = (typeof SHARED_MODULES)[number];
