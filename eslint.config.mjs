// The house rules a machine can check: nobody asks the machine for time, ids or the network. Who may import whom is in .dependency-cruiser.mjs.
import js from '@eslint/js';
import ts from 'typescript-eslint';

const ambientOnly = (what) => `Take ${what} from Ambient: tests hold the clock, and a simulation replays a seed.`;

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
    // Not the conformance of nodes: it asks those of others, in their time.
    files: ['backend/src/**/*.ts', 'dataplane/src/**/*.ts'],
    ignores: [
      'backend/src/kernel/ambient.ts',
      'dataplane/src/platform/ambient.ts',
      'dataplane/src/conformance/**',
      '**/*.test.ts',
      '**/*.fixture.ts',
      '**/testing/**',
    ],
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
          selector: 'CallExpression[callee.name=/^(setTimeout|setInterval|setImmediate)$/]',
          message: ambientOnly('timers'),
        },
        {
          selector: "MemberExpression[object.name='AbortSignal'][property.name='timeout']",
          message: ambientOnly('deadlines'),
        },
        { selector: "MemberExpression[object.name='performance']", message: ambientOnly('time') },
        { selector: "MemberExpression[object.name='process'][property.name='hrtime']", message: ambientOnly('time') },
        { selector: "ImportDeclaration[source.value='node:timers/promises']", message: ambientOnly('timers') },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: ambientOnly('randomness'),
        },
      ],
    },
  },
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
