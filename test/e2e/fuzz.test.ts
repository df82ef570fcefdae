import { expect, it } from 'vitest';
import { fuzzClients, fuzzServers } from './lib/fuzz.ts';

it('[S3] answers 20,000 mutated messages of clients without a failure of its own', { timeout: 120_000 }, async () => {
  const report = await fuzzClients({ count: 20_000, seed: 1 });
  console.log(JSON.stringify(report));
  expect(report.faults).toEqual([]);
  // Some stay right, most do not.
  expect(report.ends['200']).toBeGreaterThan(1_000);
  expect(report.ends['400']).toBeGreaterThan(5_000);
});

it('[R6] [P5] gets over 5,000 mutated messages of servers', { timeout: 120_000 }, async () => {
  const report = await fuzzServers({ count: 5_000, seed: 2 });
  console.log(JSON.stringify(report));
  expect(report.faults).toEqual([]);
  expect(report.ends['pipe result']).toBeGreaterThan(2_000);
  // Over HTTP a reply that is no answer ends the call at once.
  expect(report.ends['web TIMEOUT']).toBeUndefined();
});
