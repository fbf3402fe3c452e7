import { defineConfig } from 'vitest/config';

// Packages export their sources under the `controllab` condition: no build step between an edit and a test.
export default defineConfig({
  resolve: { conditions: ['controllab', 'module', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['controllab', 'module', 'node', 'import', 'default'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'datasets/*/src/**/*.test.ts',
      'experiments/**/*.test.ts',
      'fixtures/src/**/*.test.ts',
      'tools/**/*.test.mjs',
    ],
    globalSetup: 'tools/test-folder.mjs',
    pool: 'forks',
    execArgv: ['--conditions=controllab'],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
