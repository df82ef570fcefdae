/** Answers a question from a person's own facts and what was learnt of them (T2), without personal data where that is asked. */
import type { Privacy } from '../../shared/privacy/privacy.ts';
import { patternId, patternText } from './learning/pattern-name.ts';
import { confidenceOfFact, type StoredFact } from './store/facts.ts';
import type { Twin } from './twin.ts';

export interface Question {
  readonly text: string;
  readonly limit: number;
  readonly minConfidence: number;
}

export interface Answer {
  readonly id: string;
  readonly kind: StoredFact['kind'] | 'pattern';
  readonly content: string;
  readonly confidence: number;
  readonly domain: string;
  /** How well it fits the question; comparable within one answer. */
  readonly score: number;
}

/** Looked at beyond what is asked for, as some are not sure enough. */
const DEPTH = 4;
const MOST = 1_000;

export async function answer(twin: Twin, { text, limit, minConfidence }: Question, now: number): Promise<Answer[]> {
  const found = await twin.index.search(text, Math.min(MOST, limit * DEPTH + 50));
  const facts = twin.facts.byKeys(found.flatMap((each) => (each.kind === 'fact' ? [each.key] : [])));
  const byKey = new Map(facts.map((fact) => [fact.key, fact]));
  const patterns = new Map(twin.patterns().map((pattern) => [patternId(pattern), pattern]));
  const answers: Answer[] = [];
  const used: StoredFact[] = [];
  for (const each of found) {
    if (answers.length >= limit) break;
    const { score } = each.hit;
    if (each.kind === 'pattern') {
      const pattern = patterns.get(each.id);
      if (pattern === undefined || pattern.confidence < minConfidence) continue;
      const content = patternText(pattern);
      answers.push({ id: each.id, kind: 'pattern', content, confidence: pattern.confidence, domain: 'rhythms', score });
      continue;
    }
    const fact = byKey.get(each.key);
    const confidence = fact === undefined ? 0 : confidenceOfFact(fact);
    if (fact === undefined || confidence < minConfidence) continue;
    used.push(fact);
    answers.push({
      id: fact.fact_id,
      kind: fact.kind,
      content: contentOf(fact),
      confidence,
      domain: fact.domain,
      score,
    });
  }
  twin.facts.touch(used, now);
  return answers;
}

export function contentOf({ kind, topic, content }: StoredFact): string {
  return kind === 'preference' ? `${topic}: ${content}` : content;
}

export function anonymised(answers: readonly Answer[], twin: Twin, privacy: Privacy): Answer[] {
  const clean = (text: string) => privacy.anonymise(text, twin.pseudonyms).text;
  return answers.map((each) => ({ ...each, content: clean(each.content), domain: clean(each.domain) }));
}
