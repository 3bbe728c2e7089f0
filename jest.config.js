import { availableParallelism } from 'node:os';
import { hasCaddy } from './test/support/caddy-available.mjs';
import { chromiumPath } from './test/support/chromium.mjs';
import { hasRedis } from './test/support/redis-available.mjs';

// Nest 12 is ESM, and Jest cannot require() ES modules on every Node that we support: tests run as CommonJS,
// with Nest (and what else is ESM only, or loads modules with import()) transformed.
const common = {
  testEnvironment: 'node',
  transform: { '^.+\\.(t|j)s$': ['@swc/jest', { module: { type: 'commonjs' } }] },
  transformIgnorePatterns: [
    '/node_modules/(?!(.+/node_modules/)?(@nestjs|@opentelemetry/otlp-exporter-base|content-disposition|cookie|file-type|fractional-indexing)/)',
  ],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@watchlist/client$': '<rootDir>/clients/typescript/src/index.ts',
  },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  setupFiles: ['reflect-metadata'],
};

const e2e = {
  ...common,
  testMatch: ['<rootDir>/test/*.e2e-spec.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/conforms-to-document.ts'],
};

/** They test HTTP, tokens, access rules and the process, which the database does not change: one stack is enough. */
const ON_SQLITE_ONLY = [
  'access',
  'client',
  'dashboard',
  'http-edge',
  'http-headers',
  'jwt',
  'lifecycle',
  'openapi',
  'postman',
  'rate-limit',
  'rate-limit-identity',
].map((name) => `<rootDir>/test/${name}.e2e-spec.ts`);

const redis = hasRedis();
const chromium = chromiumPath();

/** The other e2e suites run in each stack; `stack()` in test/support/stack.ts tells a test which one it is in. */
export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/clients/typescript/src/**/*.spec.ts'],
    },
    { ...e2e, displayName: 'e2e sqlite+memory', globals: { STACK: 'sqlite+memory' } },
    ...(redis
      ? [
          {
            ...e2e,
            displayName: 'e2e postgres+redis',
            testPathIgnorePatterns: ['/node_modules/', ...ON_SQLITE_ONLY],
            globals: { STACK: 'postgres+redis' },
          },
        ]
      : []),
    {
      ...common,
      displayName: 'integration',
      testMatch: ['contracts', 'documents', 'programs'].map((folder) => `<rootDir>/test/${folder}/*.spec.ts`),
      testPathIgnorePatterns: ['/node_modules/', ...(hasCaddy() ? [] : ['/test/contracts/caddyfile\\.spec'])],
    },
    {
      ...common,
      displayName: 'faults',
      testMatch: ['<rootDir>/test/faults/*.spec.ts', '<rootDir>/test/histories/*.spec.ts'],
    },
    ...(chromium
      ? [
          {
            ...common,
            displayName: 'browser',
            testMatch: ['<rootDir>/test/browser/*.spec.ts'],
            globals: { CHROMIUM: chromium },
          },
        ]
      : []),
  ],
  testTimeout: 30_000,
  // Many of these tests wait, for a server or a deadline: three workers on two cores.
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  // What a suite has loaded is never quite let go of: after fifty suites a worker would spend its time collecting garbage.
  workerIdleMemoryLimit: '700MB',
  collectCoverageFrom: [
    '<rootDir>/src/**/*.ts',
    '!<rootDir>/src/**/*.spec.ts',
    '!<rootDir>/src/main.ts',
    // Commands, which run in child processes only (test/faults/backup.spec.ts).
    '!<rootDir>/src/cli/*.ts',
    '!<rootDir>/src/database/finish-restore.ts',
    '!<rootDir>/src/database/drivers/sqlite/sqlite-backup.ts',
    '!<rootDir>/src/database/migrations/*.ts',
  ],
  coverageDirectory: 'coverage',
  coverageProvider: 'v8',
  coverageReporters: ['text-summary', 'lcov', 'json-summary'],
  // A suite that was skipped for want of Redis leaves lines untouched that are tested elsewhere.
  ...(redis && { coverageThreshold: { global: { lines: 95, branches: 95 } } }),
};
