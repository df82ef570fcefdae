import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Corpus } from '../../../../shared/retrieval/corpus.ts';
import { Entities } from '../../../../shared/retrieval/entities.ts';
import { B, K1, Lexical } from '../../../../shared/retrieval/lexical.ts';
import { Profiles } from '../../../../shared/retrieval/profile.ts';
import { readQuestion } from '../../../../shared/retrieval/question.ts';
import { Vocabulary } from '../../../../shared/retrieval/vocabulary.ts';

// Words that are their own stems and no stop words.
const word = fc.constantFrom('apple', 'pear', 'plum', 'fig', 'lemon', 'melon', 'cherri');
const text = fc.array(word, { minLength: 1, maxLength: 12 });
const passages = fc.array(fc.record({ words: text, group: fc.constantFrom('a', 'b'), removed: fc.boolean() }), {
  minLength: 1,
  maxLength: 25,
});

function expected(documents: readonly string[][], query: readonly string[], document: readonly string[]): number {
  const averageLength = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
  let score = 0;
  for (const term of query) {
    const frequency = documents.filter((words) => words.includes(term)).length;
    const count = document.filter((one) => one === term).length;
    const idf = Math.log(1 + (documents.length - frequency + 0.5) / (frequency + 0.5));
    score += (idf * count * (K1 + 1)) / (count + K1 * (1 - B + (B * document.length) / averageLength));
  }
  return score;
}

it('[H2] scores as the formula of BM25 does, in all and inside one group as if nothing else were there', () => {
  fc.assert(
    fc.property(passages, text, fc.boolean(), (all, words, grouped) => {
      const corpus = new Corpus(new Vocabulary());
      const lexical = new Lexical(corpus);
      for (const [index, passage] of all.entries()) {
        lexical.add(corpus.add({ id: `p${index}`, title: '', text: passage.words.join(' '), group: passage.group }));
      }
      for (const [index, passage] of all.entries()) {
        if (!passage.removed) continue;
        lexical.remove(corpus.find(`p${index}`));
        corpus.remove(corpus.find(`p${index}`));
      }
      const seen = all.filter((passage) => !passage.removed && (!grouped || passage.group === 'a'));
      const scope = lexical.scope(grouped ? new Set([corpus.groups.find('a')].filter((n) => n >= 0)) : undefined);
      const query = [...new Set(words)];
      const terms = query.flatMap((one) => {
        const term = corpus.vocabulary.findTerm(one);
        const idf = term < 0 ? 0 : lexical.idf(term, scope);
        return idf > 0 ? [{ term, idf, weight: idf }] : [];
      });
      const scores = lexical.score(terms, scope, 1);
      for (const [index, passage] of all.entries()) {
        const slot = corpus.find(`p${index}`);
        if (slot < 0) continue;
        const wanted = seen.includes(passage)
          ? expected(
              seen.map((one) => one.words),
              query,
              passage.words,
            )
          : 0;
        expect(scores.of(slot)).toBeCloseTo(wanted, 10);
      }
      const { touched } = scores;
      scores.release();
      expect(touched.every((slot) => scores.of(slot) === 0)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

it('[H2] counts a word of the title twice, in the index and when it looks into one passage', () => {
  const corpus = new Corpus(new Vocabulary());
  const slot = corpus.add({ id: 'a', title: 'Plum', text: 'A plum and a fig.' });
  const term = (text: string) => corpus.vocabulary.findTerm(text);
  expect(corpus.counts(slot)).toEqual(
    new Map([
      [term('plum'), 3],
      [term('fig'), 1],
    ]),
  );
  const lexical = new Lexical(corpus);
  lexical.add(slot);
  const scope = lexical.scope(undefined);
  const question = readQuestion('plum fig', scope, { corpus, lexical, entities: new Entities(corpus) });
  const scores = lexical.score(question.terms, scope, question.mass);
  expect(new Profiles(corpus, lexical, question).score(slot, ~0)).toBeCloseTo(scores.of(slot), 12);
});
