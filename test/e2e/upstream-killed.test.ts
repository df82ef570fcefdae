import { expect, it } from 'vitest';
import { killRounds } from './lib/kill-rounds.ts';

it.each([
  ['stdio', 3],
  ['http', 3],
] as const)(
  '[R5] [R4] E01: each call gets one answer when its %s server is killed, none runs twice, and the server is back',
  async (kind, rounds) => {
    const report = await killRounds({ kind, rounds, seed: 1, pauseMs: 0 });
    console.log(JSON.stringify(report));
    expect(report.faults).toEqual([]);
    // A second is the case's figure, which the soak holds on a machine of its own; usual are 0.1 s.
    expect(report.slowestFailureMs).toBeLessThan(3_000);
    expect(report.slowestRestartMs).toBeLessThan(5_000);
    const total = Object.values(report.ends).reduce((sum, count) => sum + count, 0);
    expect(total).toBe(report.calls);
    expect(report.ends['sleep CONNECTION_LOST']).toBe(total / 2);
  },
  60_000,
);
