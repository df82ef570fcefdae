/** The measures of a ranking, as the field takes them. Knows no engine. */

export interface Measures {
  readonly 'recall@2': number;
  readonly 'recall@5': number;
  readonly 'recall@10': number;
  readonly 'all_gold@5': number;
  readonly 'ndcg@10': number;
  readonly 'recall@100': number;
}

/** One ranking's measures, 0 … 1. `relevant`: document → gain, above 0 and at least one. */
export function measure(ranking: readonly string[], relevant: ReadonlyMap<string, number>): Measures {
  const recall = (depth: number) => ranking.slice(0, depth).filter((id) => relevant.has(id)).length / relevant.size;
  return {
    'recall@2': recall(2),
    'recall@5': recall(5),
    'recall@10': recall(10),
    'all_gold@5': recall(5) === 1 ? 1 : 0,
    'ndcg@10': ndcg(ranking, relevant, 10),
    'recall@100': recall(100),
  };
}

/** The mean of each measure, in per cent with two places. */
export function average(all: readonly Measures[]): Measures {
  const mean = (key: keyof Measures) =>
    Math.round((all.reduce((sum, measures) => sum + measures[key], 0) / all.length) * 10_000) / 100;
  return {
    'recall@2': mean('recall@2'),
    'recall@5': mean('recall@5'),
    'recall@10': mean('recall@10'),
    'all_gold@5': mean('all_gold@5'),
    'ndcg@10': mean('ndcg@10'),
    'recall@100': mean('recall@100'),
  };
}

/** The value below which `share` of the values lie (nearest rank), with two places. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return Math.round(value * 100) / 100;
}

/** K. Järvelin, J. Kekäläinen, 2002, with linear gains as trec_eval has them. */
function ndcg(ranking: readonly string[], relevant: ReadonlyMap<string, number>, depth: number): number {
  const discounted = (gains: readonly number[]) =>
    gains.slice(0, depth).reduce((sum, gain, rank) => sum + gain / Math.log2(rank + 2), 0);
  const ideal = discounted([...relevant.values()].sort((a, b) => b - a));
  return discounted(ranking.slice(0, depth).map((id) => relevant.get(id) ?? 0)) / ideal;
}
