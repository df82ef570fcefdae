import { expect, it } from 'vitest';
import { Pulse } from '../../../../router/metrics/pulse.ts';

const START = 1_800_000_000_000;

it('[O6] counts the calls of each second, with the durations that half and nearly all of them do not exceed', () => {
  const pulse = new Pulse();
  for (let n = 1; n <= 100; n++) pulse.note(START + n, n, n > 98 ? 'failed' : n > 97 ? 'refused' : 'well');
  expect(pulse.last(START + 999)).toEqual([]);
  const second = { at: START / 1_000, calls: 100, failed: 2, refused: 1, p50Ms: 51, p99Ms: 100 };
  expect(pulse.last(START + 1_000)).toEqual([second]);
  pulse.note(START + 5_000, 7, 'well');
  expect(pulse.last(START + 6_000)).toEqual([
    second,
    { at: START / 1_000 + 5, calls: 1, failed: 0, refused: 0, p50Ms: 7, p99Ms: 7 },
  ]);
});

it('[O6] keeps two minutes, however many calls there are', () => {
  const pulse = new Pulse();
  for (let second = 0; second < 500; second++)
    for (let n = 0; n < 3_000; n++) pulse.note(START + second * 1_000, n, 'well');
  const kept = pulse.last(START + 500_000);
  expect(kept).toHaveLength(120);
  expect(kept.at(-1)).toMatchObject({ at: START / 1_000 + 499, calls: 3_000 });
  expect(pulse.last(START + 700_000)).toEqual([]);
});
