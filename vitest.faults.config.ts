import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults.ts'],
    reporters: ['default', './test/faults/support/tally-reporter.ts', './test/support/counts-reporter.ts'],
    globalSetup: ['test/support/build.ts'],
    // Most of the time is spent in waiting for what does not come.
    maxConcurrency: 8,
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
