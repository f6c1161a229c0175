// create-plugin's build, and where the contract is: it is source beside this package, not a package of its own.
import path from 'node:path';
import { merge } from 'webpack-merge';
import grafanaConfig from './.config/webpack/webpack.config.ts';

const config = async (env) =>
  merge(await grafanaConfig(env), {
    resolve: {
      alias: {
        '@cloudlysis/contract$': path.resolve(process.cwd(), '../contract/src/index.ts'),
        'eventsource-parser$': path.resolve(process.cwd(), 'node_modules/eventsource-parser/dist/index.js'),
        zod$: path.resolve(process.cwd(), 'node_modules/zod'),
      },
    },
  });

export default config;
