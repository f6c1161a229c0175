// The house rules a machine can check: who may import whom, and nobody asks the machine for time, ids or the network.
import js from '@eslint/js';
import ts from 'typescript-eslint';

const ambientOnly = (what) => `Take ${what} from Ambient: tests hold the clock, and a simulation replays a seed.`;
const indexOnly = (feature, open = []) => ({
  regex: `/${feature}/(?!(${['index', ...open].join('|')})\\.ts$)`,
  message: `${feature}/ is entered through its index.ts${open.map((file) => ` or ${file}.ts`).join('')}.`,
});
const FEATURES = [
  indexOnly('tenants'),
  indexOnly('identity'),
  indexOnly('audit', ['audit-log']),
  indexOnly('jobs', ['define-job', 'definition', 'job-reader']),
  indexOnly('placement', ['placement-book']),
  indexOnly('overview'),
  indexOnly('settings'),
  indexOnly('node-metrics'),
];
const NO_WAY_UP = { regex: '/(http/.*|service|main)\\.ts$', message: 'Nothing imports http/ or the composition root.' };
const NO_FEATURES = {
  regex: '\\.\\./(tenants|identity|audit|jobs|placement|overview|settings)/',
  message: 'Ports and shapes know no feature.',
};

const imports = (files, ...patterns) => ({
  files,
  ignores: ['**/*.test.ts', '**/*.fixture.ts', '**/testing/**'],
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

export default ts.config(
  // plugin/ has a configuration of its own, create-plugin's.
  { ignores: ['**/node_modules/', '.local/', '**/dist/', 'plugin/'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  {
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'setImmediate',
          'URL',
          'Buffer',
          'fetch',
          'performance',
          'AbortSignal',
          'AbortController',
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: { '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }] },
  },
  {
    files: ['backend/src/**/*.ts'],
    ignores: ['backend/src/ambient.ts', '**/*.test.ts', '**/*.fixture.ts', '**/testing/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: ambientOnly('time'),
        },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: ambientOnly('time') },
        { selector: "CallExpression[callee.name='fetch']", message: ambientOnly('fetch') },
        { selector: "CallExpression[callee.name='randomUUID']", message: ambientOnly('ids') },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: ambientOnly('randomness'),
        },
      ],
    },
  },
  imports(
    ['backend/src/{jobs,audit,identity,tenants,placement,overview,settings,node-metrics}/**/*.ts'],
    ...FEATURES,
    NO_WAY_UP,
  ),
  imports(['backend/src/http/**/*.ts', 'backend/src/service.ts', 'backend/src/main.ts'], ...FEATURES),
  imports(['backend/src/ports/**/*.ts', 'backend/src/*.ts'], NO_FEATURES),
  { files: ['backend/src/{service,main}.ts'], rules: { 'no-restricted-imports': ['error', { patterns: FEATURES }] } },
  {
    // Answers of foreign nodes and of tests' own requests are judged as they come; a type would promise what is asked.
    files: ['dataplane/src/conformance/**', '**/*.test.ts', '**/*.fixture.ts', '**/testing/**'],
    rules: { '@typescript-eslint/no-explicit-any': 'off' },
  },
  {
    // Runs in a browser's page.
    files: ['bench/app/in-page.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['document', 'PerformanceObserver', 'requestAnimationFrame', 'globalThis'].map((name) => [name, 'readonly']),
      ),
    },
  },
  { files: ['compose/mongo/*.js'], languageOptions: { globals: { rs: 'readonly', db: 'readonly', quit: 'readonly' } } },
);
