import { expect, it } from 'vitest';
import { perSecond } from '../../../../router/console/page/calls.ts';
import { conditionsOf } from '../../../../router/console/page/matrix.ts';

const second = (at: number, calls: number) => ({ at, calls, failed: 0, p50_ms: 1, p99_ms: 2 });

it('[C2] draws two minutes up to the second that ended last, with nothing where nothing was called', () => {
  const values = perSecond([second(1_000, 7), second(1_118, 9)], ({ calls }) => calls, 0, 1_120_500);
  expect(values).toHaveLength(120);
  expect(values[0]).toBe(7);
  expect(values[118]).toBe(9);
  expect(values[119]).toBe(0);
  expect(values.filter((value) => value > 0)).toEqual([7, 9]);
});

it('[C2] draws by the clock of the router where that of the reader is behind', () => {
  const values = perSecond([second(2_000, 3)], ({ calls }) => calls, 0, 1_500_000);
  expect(values.at(-1)).toBe(3);
});

it('[C2] says in words what a row of the matrix asks for', () => {
  const row = {
    match: 'x',
    level: 'OPERATOR',
    permission: null,
    approval: 'major_change',
    needs_justification: true,
    checks_arguments: true,
    per_minute: 5,
  };
  const words = ['a vote (major change)', 'a justification', 'arguments by its rules', 'at most 5 a minute'];
  expect(conditionsOf(row)).toEqual(words);
  expect(
    conditionsOf({ ...row, approval: null, needs_justification: false, checks_arguments: false, per_minute: null }),
  ).toEqual([]);
});
