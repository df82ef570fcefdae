/** Finds tools by words (R9): names, titles, descriptions and arguments, the rare words counting more. Pure; who may see what is not decided here. */
import { termOf } from '../../shared/retrieval/terms.ts';

/** What is searched of one tool. */
export interface Searched {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly argumentNames: readonly string[];
}

const FIELDS = [
  { weight: 4, text: ({ name }: Searched) => name },
  { weight: 2, text: ({ title }: Searched) => title },
  { weight: 1, text: ({ description }: Searched) => description },
  { weight: 1, text: ({ argumentNames }: Searched) => argumentNames.join(' ') },
] as const;
const MAX_WORDS = 400;

const known = new WeakMap<Searched, ReadonlyMap<string, number>>();

/** Words with their weights in this tool. */
function weightsOf(tool: Searched): ReadonlyMap<string, number> {
  let weights = known.get(tool);
  if (weights === undefined) {
    const made = new Map<string, number>();
    for (const { weight, text } of FIELDS) {
      for (const word of new Set(wordsOf(text(tool)))) made.set(word, (made.get(word) ?? 0) + weight);
    }
    weights = made;
    known.set(tool, weights);
  }
  return weights;
}

/** Terms of a text; camelCase and snake_case are taken apart. */
function wordsOf(text: string): string[] {
  return text
    .slice(0, 10_000)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u, MAX_WORDS)
    .flatMap((word) => termOf(word) ?? []);
}

/** The best first, with scores from 0 to 1 beside the best that the words could reach; none that has no word of the query. */
export function searchTools<T extends Searched>(
  tools: readonly T[],
  query: string,
  limit: number,
): { tool: T; score: number }[] {
  const words = [...new Set(wordsOf(query))];
  if (words.length === 0) return [];
  const weights = tools.map(weightsOf);
  const idf = words.map((word) => {
    const having = weights.filter((each) => match(each, word) > 0).length;
    return Math.log(1 + (tools.length - having + 0.5) / (having + 0.5));
  });
  const best = idf.reduce((sum, each) => sum + each, 0) || 1;
  return tools
    .map((tool, i) => {
      // More of the same word counts less and less.
      const scores = words.map((word, w) => (idf[w]! * match(weights[i]!, word)) / (match(weights[i]!, word) + 2));
      return { tool, score: Math.round((scores.reduce((sum, each) => sum + each, 0) / best) * 1_000) / 1_000 };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (a.tool.name < b.tool.name ? -1 : 1))
    .slice(0, limit);
}

function match(weights: ReadonlyMap<string, number>, word: string): number {
  const whole = weights.get(word);
  if (whole !== undefined) return whole;
  if (word.length < 4) return 0;
  let most = 0;
  for (const [other, weight] of weights)
    if (other.startsWith(word) || (other.length > 3 && word.startsWith(other))) most = Math.max(most, weight / 2);
  return most;
}
