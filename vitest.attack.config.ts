import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/attack/**/*.attack.ts'],
    reporters: ['default', './test/faults/support/tally-reporter.ts', './test/support/counts-reporter.ts'],
    globalSetup: ['test/support/build.ts'],
    maxWorkers: 4,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
