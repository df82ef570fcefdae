import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores: the tests start real processes, so more workers only make them wait for each other.
    maxWorkers: 2,
  },
});
