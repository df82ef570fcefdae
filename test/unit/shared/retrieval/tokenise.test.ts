import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BRACKET, BREAK, CAPITAL, SENTENCE, tokenise } from '../../../../shared/retrieval/tokenise.ts';

function words(text: string): [string, number][] {
  const found: [string, number][] = [];
  tokenise(text, (word, marks) => found.push([word, marks]));
  return found;
}

it.each([
  ['Šindel’s château', ['sindel', 'chateau']],
  ['Łódź and Þór', ['lodz', 'and', 'thor']],
  ['IL-6, 3.5 mg/kg', ['il', '6', '3', '5', 'mg', 'kg']],
  ["the king's men, James' hat", ['the', 'king', 'men', 'james', 'hat']],
  ["they'd say I'm T. Sole's, don't", ['they', 'say', 'i', 't', 'sole', 'don']],
  ['vitamin D and T cells', ['vitamin', 'd', 'and', 't', 'cells']],
  ['東京 tower', ['東', '京', 'tower']],
  ['', []],
  ['… — !', []],
])('[H2] cuts "%s" into folded words', (text, expected) => {
  expect(words(text).map(([word]) => word)).toEqual(expected);
});

it('[H2] marks capitals, sentences, breaks and brackets', () => {
  expect(words('Mr. J. Doe (poet), a Dane. He wrote')).toEqual([
    ['mr', SENTENCE | CAPITAL],
    ['j', CAPITAL],
    ['doe', CAPITAL],
    ['poet', BREAK | BRACKET],
    ['a', BREAK],
    ['dane', CAPITAL],
    ['he', SENTENCE | BREAK | CAPITAL],
    ['wrote', 0],
  ]);
});

it('[H2] takes any text, gives no empty word, and says the same twice', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const first = words(text);
      for (const [word] of first) expect(word).not.toBe('');
      expect(words(text)).toEqual(first);
    }),
  );
});
