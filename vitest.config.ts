import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is polled comes from other processes, on machines that may be busy.
    expect: { poll: { timeout: 10_000 } },
    // Two cores: the tests start real processes, so more workers only make them wait for each other.
    maxWorkers: 2,
  },
});
