import { expect, it } from 'vitest';
import { average, measure, percentile } from '../../bench/retrieval/measures.ts';

it('[H2] measures a ranking as the field does', () => {
  const relevant = new Map([
    ['a', 2],
    ['b', 1],
  ]);
  const measures = measure(['x', 'a', 'y', 'z', 'w', 'b'], relevant);
  expect(measures).toMatchObject({
    'recall@2': 0.5,
    'recall@5': 0.5,
    'recall@10': 1,
    'all_gold@5': 0,
    'recall@100': 1,
  });
  const gained = 2 / Math.log2(3) + 1 / Math.log2(7);
  const ideal = 2 + 1 / Math.log2(3);
  expect(measures['ndcg@10']).toBeCloseTo(gained / ideal, 12);
});

it('[H2] gives a perfect ranking 1 throughout and an empty one 0', () => {
  const relevant = new Map([['a', 1]]);
  expect(new Set(Object.values(measure(['a'], relevant)))).toEqual(new Set([1]));
  expect(new Set(Object.values(measure([], relevant)))).toEqual(new Set([0]));
});

it('[H2] averages in per cent with two places', () => {
  const relevant = new Map([['a', 1]]);
  const third = average([measure(['a'], relevant), measure([], relevant), measure([], relevant)]);
  expect(third['recall@2']).toBe(33.33);
});

it('[H2] takes percentiles by nearest rank', () => {
  const values = [5, 1, 4, 2, 3];
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)]).toEqual([3, 5, 0]);
});
