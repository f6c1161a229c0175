// Runs every *.test.ts as the ES module it is. Needs NODE_OPTIONS=--experimental-vm-modules, which launch/test.ts sets.
export default {
  rootDir: import.meta.dirname,
  testMatch: ['<rootDir>/{contract,backend,dataplane,launch,testing,e2e,bench,workbench}/**/*.test.ts'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/testing/jest-transform.mjs' },
  modulePathIgnorePatterns: ['<rootDir>/\\.local/', '<rootDir>/workbench/grafana-'],
  globalSetup: '<rootDir>/testing/jest-setup.mjs',
  globalTeardown: '<rootDir>/testing/jest-teardown.mjs',
  maxWorkers: 2,
  // So that nothing hangs for ever, and no more: tests run real servers, and on two busy cores a start alone takes seconds.
  testTimeout: 120_000,
  forceExit: false,
  reporters: ['default', '<rootDir>/testing/jest-reporter.mjs'],
};
