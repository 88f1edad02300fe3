import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/e2e/clients/matrix-reporter.ts', './test/support/counts-reporter.ts'],
    include: ['test/e2e/**/*.e2e.ts'],
    globalSetup: ['test/support/build.ts'],
    // They wait for servers, lags and clocks more than for a processor. Each has ports and addresses of its own.
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
});
