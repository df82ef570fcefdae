/** Runs one engine over one question set, in a process of its own so that its memory is its own. */
import { ENGINES } from './engines.ts';
import { average, type Measures, measure, percentile } from './measures.ts';
import { readDocuments, readQueries } from './question-set.ts';

export interface Figures extends Measures {
  readonly index_ms: number;
  readonly query_p50_ms: number;
  readonly query_p99_ms: number;
  /** Resident memory when all queries have been answered, of the whole process. */
  readonly rss_mb: number;
}

const DEPTH = 100;

export async function runEngine(name: keyof typeof ENGINES, folder: string): Promise<Figures> {
  const queries = await readQueries(folder);
  const engine = ENGINES[name]();
  let indexMs = 0;
  for await (const document of readDocuments(folder)) {
    const start = performance.now();
    engine.add(document);
    indexMs += performance.now() - start;
  }
  const start = performance.now();
  engine.finish();
  indexMs += performance.now() - start;
  const times: number[] = [];
  const measured: Measures[] = [];
  for (const query of queries) {
    const asked = performance.now();
    const ranking = engine.search(query, DEPTH);
    times.push(performance.now() - asked);
    measured.push(measure(ranking, query.relevant));
  }
  return {
    ...average(measured),
    index_ms: Math.round(indexMs),
    query_p50_ms: percentile(times, 0.5),
    query_p99_ms: percentile(times, 0.99),
    rss_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}
