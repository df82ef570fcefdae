import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Governed, startGoverned } from '../lib/governed.ts';
import { killRound, VICTIMS } from '../lib/kill-round.ts';

const ROUNDS = 20;
let governed: Governed;

beforeAll(async () => {
  governed = await startGoverned();
});
afterAll(() => governed.remove());

it(`[G4] G02: ${ROUNDS} times kill -9 between call and record: at most one line each, shown as unknown, settled by a voter, never run again`, {
  timeout: 600_000,
}, async () => {
  const started = performance.now();
  for (let round = 0; round < ROUNDS; round++) await killRound(governed, round, VICTIMS[round % VICTIMS.length]!);
  const lines = governed.lines();
  expect(lines).toHaveLength(ROUNDS);
  expect(new Set(lines).size).toBe(ROUNDS);
  console.log(
    `${ROUNDS} rounds in ${Math.round((performance.now() - started) / 1000)} s, ${lines.length} lines, none twice`,
  );
});
