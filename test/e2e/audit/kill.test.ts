import { describe, expect, it } from 'vitest';
import { killRounds } from '../../soak/kill-rounds.ts';

const ROUNDS = 50;
/** One router dies while the other starts: together they are a hundred kills in little more than half the time. */
const SEEDS = [1, 2];
/** Three to four seconds a round are usual; `npm run soak -- kill` makes any number. */
const WITHIN_MS = 1_200_000;

describe.concurrent('a router that is killed', () => {
  it.each(SEEDS)(
    `[D3] [D1] [A2] F03: ${ROUNDS} kills at random instants lose nothing that was acknowledged and do nothing twice (%i)`,
    {
      timeout: WITHIN_MS + 60_000,
    },
    async (seed) => {
      const report = await killRounds({ rounds: ROUNDS, withinMs: WITHIN_MS, seed });
      console.info(JSON.stringify(report));
      expect(report.faults).toEqual([]);
      // The faults were there: calls in flight at every kill, some of whose outcome no client knows.
      expect(report.rounds).toBe(ROUNDS);
      expect(report.inFlightAtKill.least).toBeGreaterThan(0);
      expect(report.calls.unknown).toBeGreaterThan(report.rounds);
      expect(report.calls.ok).toBeGreaterThan(report.rounds);
      expect(report.calls.refused).toBeGreaterThan(0);
      expect(report.revocations).toBeGreaterThan(0);
      // Two seconds are promised; the rest is for a busy machine.
      expect(report.readyMs.worst).toBeLessThan(20_000);
    },
  );
});
