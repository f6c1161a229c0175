// What Grafana's plugin validator refuses in a plugin's sources (its semgrep rules), restated, and our own two beside.
export interface SourceRule {
  readonly what: string;
  readonly pattern: RegExp;
  /** Something it finds, so that a rule that finds nothing is known to look. */
  readonly finds: string;
  /** Something near it that it lets pass. */
  readonly passes: string;
}

export const sourceRules: readonly SourceRule[] = [
  {
    what: 'native dialogs',
    pattern: /(?<![\w.$])(window\.)?(alert|confirm|prompt)\(/,
    finds: 'if (window.confirm("Sure?")) go();',
    passes: 'modal.confirm(); const alertRule = toConfirm(x);',
  },
  {
    what: 'window.open without noopener and noreferrer',
    pattern: /window\.open\((?![^;]*noopener,\s*noreferrer)/,
    finds: "window.open(url, '_blank');",
    passes: "window.open(url, '_blank', 'noopener,noreferrer');",
  },
  {
    what: 'direct CSS imports',
    pattern: /import\s+(?:[\w*{}\s,]+from\s+)?['"][^'"]*\.(css|scss|less)['"]/,
    finds: "import './page.css';",
    passes: "import { css } from '@emotion/css';",
  },
  {
    what: 'Emotion <Global>',
    pattern: /<Global\b|import\s*\{[^}]*\bGlobal\b[^}]*\}\s*from\s*['"]@emotion\/react['"]/,
    finds: '<Global styles={all} />',
    passes: '<GlobalStatus />',
  },
  {
    what: "Grafana's private window properties",
    pattern: /\b(grafanaBootData|grafanaRuntime|__grafanaSceneContext)\b/,
    finds: 'window.grafanaBootData.user',
    passes: 'config.bootData.user',
  },
  {
    what: "React's internals",
    pattern: /__SECRET_INTERNALS_DO_NOT_USE|__CLIENT_INTERNALS_DO_NOT_USE/,
    finds: 'React.__SECRET_INTERNALS_DO_NOT_USE_OR_YOU_WILL_BE_FIRED',
    passes: 'React.createElement',
  },
  {
    what: 'logging to the console',
    pattern: /(?<![\w.$])console\.\w+/,
    finds: 'console.warn(error)',
    passes: 'this.console.print()',
  },
  {
    what: 'silenced type errors',
    pattern: /@ts-(ignore|expect-error|nocheck)\b/,
    finds: '// @ts-expect-error later',
    passes: '// ts-node',
  },
  {
    what: 'window.location in place of locationService',
    pattern: /(?<![\w.$])(window\.|document\.)?location\.(search|href)\b/,
    finds: 'const query = window.location.search;',
    passes: 'locationService.getLocation().search; props.location.search',
  },
  {
    what: 'the query API called by hand',
    pattern: /\/api\/ds\/query/,
    finds: "fetch('/api/ds/query')",
    passes: "fetch('/api/plugins')",
  },
  {
    what: 'the topnav toggle',
    pattern: /featureToggles\.topnav/,
    finds: 'config.featureToggles.topnav',
    passes: 'config.featureToggles.other',
  },
  {
    what: "Grafana's own form classes",
    pattern: /\bgf-form\b/,
    finds: '<div className="gf-form">',
    passes: '<InlineField />',
  },
  {
    what: "imports from Grafana's inside",
    pattern: /['"](grafana\/)?app\/(core|features|plugins)\//,
    finds: "import { appEvents } from 'grafana/app/core/app_events';",
    passes: "import { getAppEvents } from '@grafana/runtime';",
  },
  {
    what: 'an unlisted script host',
    pattern: /<script\b|createElement\(['"]script['"]\)/,
    finds: "document.createElement('script')",
    passes: "document.createElement('a')",
  },
];

/** `file:line what: the line` for each line that a rule finds; a comment may name what code may not use. */
export function findings(file: string, text: string, rules = sourceRules): string[] {
  return text.split('\n').flatMap((line, at) => {
    const code = line.replace(/(^|\s)\/\/(?!\s*@ts-).*$/, '').replace(/^\s*(\/\*\*?|\*)(?!\/).*$/, '');
    return rules
      .filter(({ pattern }) => pattern.test(code))
      .map(({ what }) => `${file}:${at + 1} ${what}: ${line.trim()}`);
  });
}
