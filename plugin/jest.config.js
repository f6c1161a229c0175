// create-plugin's jest, with the contract beside this package and the real service behind the pages.
process.env.TZ = 'UTC';

const base = require('./.config/jest.config');
const { grafanaESModules, nodeModulesToTransform } = require('./.config/jest/utils');

module.exports = {
  ...base,
  testEnvironment: '<rootDir>/testing/pages/browser-environment.js',
  globalSetup: '<rootDir>/testing/pages/start-service.js',
  globalTeardown: '<rootDir>/testing/pages/stop-service.js',
  moduleNameMapper: {
    ...base.moduleNameMapper,
    '^@cloudlysis/contract$': '<rootDir>/../contract/src/index.ts',
    '^eventsource-parser$': '<rootDir>/node_modules/eventsource-parser/dist/index.js',
    '^zod$': '<rootDir>/node_modules/zod',
  },
  transformIgnorePatterns: [
    nodeModulesToTransform([...grafanaESModules, '@react-hookz/web', '@ver0/deep-equal', 'eventsource-parser', 'yaml']),
  ],
  transform: { ...base.transform, '^.+\\.mjs$': base.transform['^.+\\.(t|j)sx?$'] },
  testTimeout: 30_000,
  maxWorkers: 2,
};
