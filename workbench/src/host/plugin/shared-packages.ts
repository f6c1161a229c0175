// Gives the plugin's AMD bundle the host's own copies of what Grafana shares, and loads it.
import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as data from '@grafana/data';
import * as dataUnstable from '@grafana/data/unstable';
import { getI18nInstance } from '@grafana/i18n/internal';
import * as runtime from '@grafana/runtime';
import * as runtimeUnstable from '@grafana/runtime/unstable';
import * as ui from '@grafana/ui';
import * as uiUnstable from '@grafana/ui/unstable';
import lodash from 'lodash';
import moment from 'moment';
import React from 'react';
import ReactDOM from 'react-dom';
import reactInlineSvg, * as reactInlineSvgAll from 'react-inlinesvg';
import * as jsxRuntime from 'react/jsx-runtime';
import * as reactRouter from 'react-router-dom-v5-compat';
import * as rxjs from 'rxjs';
import * as rxjsOperators from 'rxjs/operators';
import 'systemjs/dist/system.js';
import 'systemjs/dist/extras/amd.js';
import type { SharedModule } from '../../shared-modules';

/** SystemJS would copy a plain object and lose the live bindings; a namespace that says so it takes as it is. */
const namespace = (exports: object, own: object = {}) =>
  Object.create(
    exports,
    Object.getOwnPropertyDescriptors({ __esModule: true, [Symbol.toStringTag]: 'Module', ...own }),
  );
/** What the bundle must receive as the very object that the package exports. */
const whole = (exports: unknown) => ({ default: exports, __useDefault: true });

const packages = () =>
  ({
    '@emotion/css': namespace(emotionCss),
    '@emotion/react': namespace(emotionReact),
    '@grafana/data': namespace(data),
    '@grafana/data/unstable': namespace(dataUnstable),
    '@grafana/runtime': namespace(runtime),
    '@grafana/runtime/unstable': namespace(runtimeUnstable),
    '@grafana/ui': namespace(ui),
    '@grafana/ui/unstable': namespace(uiUnstable),
    emotion: namespace(emotionCss),
    // The instance that @grafana/i18n uses; another copy would know none of its languages.
    i18next: whole(getI18nInstance()),
    lodash: whole(lodash),
    moment: whole(moment),
    react: whole(React),
    'react/jsx-runtime': whole(jsxRuntime),
    'react-dom': whole(ReactDOM),
    'react-inlinesvg': namespace(reactInlineSvgAll, { default: reactInlineSvg }),
    // Grafana shares v6 under this name, through the compatibility package.
    'react-router': namespace(reactRouter),
    rxjs: namespace(rxjs),
    'rxjs/operators': namespace(rxjsOperators),
  }) satisfies Record<SharedModule, object>;

/** Call once every setter of @grafana/runtime has run. */
export function sharePackages(): void {
  const imports: Record<string, string> = {};
  for (const [name, exports] of Object.entries(packages())) {
    imports[name] = `shared:${name}`;
    System.set(`shared:${name}`, exports);
  }
  System.addImportMap({ imports });
}

/** Loads the bundle and resolves to its `plugin` export. Throws when the bundle fails or exports no app plugin. */
export async function loadAppPlugin(meta: data.AppPluginMeta): Promise<data.AppPlugin> {
  const bundle = await System.import(`/${meta.module}?_cache=${meta.info.version}`);
  // A bundle with top-level await hands over a promise.
  const exports = await (bundle.default ?? bundle);
  const plugin = (exports.plugin ?? bundle.plugin) as data.AppPlugin | undefined;
  if (!plugin) throw new Error(`${meta.id} exports no plugin`);
  plugin.init(meta);
  plugin.meta = meta;
  return plugin;
}
