import { expect, it } from 'vitest';
import { ejectOutliers, newTally, type Tally } from '../../../../router/upstreams/outliers.ts';

function tally(calls: number, errors: number): Tally {
  return { ...newTally(), calls, errors };
}

it('[R3] puts out the copy whose calls fail while those of the others do not', () => {
  const copies = [tally(100, 90), tally(20, 1), tally(20, 0)];
  expect(ejectOutliers(copies, 1_000)).toEqual([copies[0]]);
  expect(copies[0]).toMatchObject({ ejectedUntil: 11_000, calls: 0, errors: 0 });
});

it('[R3] puts none out when the calls fail everywhere: that is the callers, or the tool', () => {
  expect(ejectOutliers([tally(100, 60), tally(100, 50), tally(100, 55)], 0)).toEqual([]);
});

it('[R3] judges nobody by a few calls', () => {
  expect(ejectOutliers([tally(7, 7), tally(100, 0)], 0)).toEqual([]);
  expect(ejectOutliers([tally(100, 100), tally(7, 0)], 0)).toEqual([]);
});

it('[R3] puts out half of the copies at most', () => {
  const copies = [tally(50, 50), tally(50, 40), tally(300, 0)];
  expect(ejectOutliers(copies, 0)).toHaveLength(1);
  expect(ejectOutliers(copies, 1)).toEqual([]);
});

it('[R3] lets it come back, and puts it out for twice as long when it is no better', () => {
  const copies = [tally(100, 100), tally(100, 0)];
  ejectOutliers(copies, 0);
  Object.assign(copies[0]!, { calls: 100, errors: 100 });
  copies[1]!.calls = 100;
  expect(ejectOutliers(copies, 5_000)).toEqual([]);
  Object.assign(copies[0]!, { calls: 100, errors: 100 });
  copies[1]!.calls = 100;
  expect(ejectOutliers(copies, 10_001)).toEqual([copies[0]]);
  expect(copies[0]!.ejectedUntil).toBe(30_001);
});
