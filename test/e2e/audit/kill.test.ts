import { expect, it } from 'vitest';
import { killRounds } from '../../soak/kill-rounds.ts';

const ROUNDS = 100;
/** Where the machine is too busy for all of them in this time, fewer are made; `npm run soak -- kill` makes any number. */
const WITHIN_MS = 200_000;
const FEWEST = 15;

it(`[D3] [D1] [A2] F03: ${ROUNDS} kills at random instants lose nothing that was acknowledged and do nothing twice`, {
  timeout: 2 * WITHIN_MS,
}, async () => {
  const report = await killRounds({ rounds: ROUNDS, withinMs: WITHIN_MS });
  console.info(JSON.stringify(report));
  expect(report.faults).toEqual([]);
  // The faults were there: calls in flight at every kill, some of whose outcome no client knows.
  expect(report.rounds).toBeGreaterThanOrEqual(FEWEST);
  expect(report.inFlightAtKill.least).toBeGreaterThan(0);
  expect(report.calls.unknown).toBeGreaterThan(report.rounds);
  expect(report.calls.ok).toBeGreaterThan(report.rounds);
  expect(report.calls.refused).toBeGreaterThan(0);
  expect(report.revocations).toBeGreaterThan(0);
  // Two seconds are promised; the rest is for a busy machine.
  expect(report.readyMs.worst).toBeLessThan(20_000);
});
