/** ESM, TypeScript through SWC; tests read sources, the acceptance tests drive the built CLI as a subprocess. */
export default {
  testEnvironment: 'node',
  testMatch: [
    '<rootDir>/test/**/*.test.ts',
    '<rootDir>/packages/*/test/**/*.test.ts',
    '<rootDir>/plugins/*/test/**/*.test.ts',
  ],
  modulePathIgnorePatterns: ['<rootDir>/.dev/', '<rootDir>/.quickstart/', '<rootDir>/test/fixtures/'],
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '^.+\\.tsx?$': [
      '@swc/jest',
      {
        jsc: {parser: {syntax: 'typescript', tsx: true}, target: 'es2022', transform: {react: {runtime: 'automatic'}}},
        module: {type: 'es6'},
      },
    ],
  },
  moduleNameMapper: {
    '^@cloudctl/provider-sdk$': '<rootDir>/packages/provider-sdk/src/index.ts',
    '^@cloudctl/provider-sdk/oclif$': '<rootDir>/packages/provider-sdk/src/oclif/index.ts',
    '^@cloudctl/provider-sdk/ink$': '<rootDir>/packages/provider-sdk/src/ink/index.ts',
    '^#ink$': '<rootDir>/packages/provider-sdk/src/ink/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  setupFilesAfterEnv: ['<rootDir>/test/setup.ts'],
  // Machines are noisy: a limit is for what hangs, not for what is slow.
  testTimeout: 90_000,
};
