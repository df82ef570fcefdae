import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FEATURES } from '../../../../router/screening/features.ts';
import { Needles } from '../../../../router/screening/needles.ts';

const letters = fc.constantFrom('a', 'b', '-', 'é', '日', '\0');
const word = fc.array(fc.constantFrom('a', 'b', '-'), { minLength: 1, maxLength: 4 }).map((each) => each.join(''));

it('[S2] finds the groups of which a needle stands in a text, those and no others', () => {
  const groups = fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      groups,
      fc.array(fc.array(letters, { maxLength: 20 }), { minLength: 1, maxLength: 3 }),
      (all, texts) => {
        const needles = new Needles(all);
        for (const text of texts.map((each) => each.join(''))) {
          const expected = all.map((group) => group.some((needle) => text.includes(needle)));
          expect(needles.find(text)).toBe(expected.includes(true));
          expect(all.map((_, group) => needles.has(group))).toEqual(expected);
        }
      },
    ),
    { numRuns: 500 },
  );
});

it('[S2] every feature names texts in lower case that it cannot do without', () => {
  for (const { name, needs } of FEATURES) {
    expect(needs.length, name).toBeGreaterThan(0);
    for (const need of needs) expect(need, name).toMatch(/^[\0-@[-\x7f]+$/);
  }
});
