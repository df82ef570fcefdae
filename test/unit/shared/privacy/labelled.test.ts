import { expect, it } from 'vitest';
import { openPrivacy } from '../../../../shared/privacy/privacy.ts';
import { measure, readLabelled, tableOf } from '../../../fixtures/privacy/labelled.ts';

const { scan } = await openPrivacy();

it('[T4] [H7] finds on sentences that it was not made with: structured kinds 0.98, names 0.90, precision 0.95 in every kind', () => {
  const { scores } = measure(readLabelled('held-out'), scan);
  console.log(tableOf(scores));
  for (const { kind, labelled, recall, precision } of scores) {
    expect(labelled, `labelled places of ${kind}`).toBeGreaterThanOrEqual(4);
    expect(recall, `recall of ${kind}`).toBeGreaterThanOrEqual(kind === 'person' ? 0.9 : 0.98);
    expect(precision, `precision of ${kind}`).toBeGreaterThanOrEqual(0.95);
  }
});

it('the labelled set: at least 520 sentences, four languages, no sentence in both parts, many without a label', () => {
  const tuned = readLabelled('tuned');
  const heldOut = readLabelled('held-out');
  expect(tuned.length + heldOut.length).toBeGreaterThanOrEqual(520);
  expect(heldOut.length / (tuned.length + heldOut.length)).toBeGreaterThan(0.38);
  const seen = new Set(tuned.map(({ text }) => text));
  expect(heldOut.filter(({ text }) => seen.has(text))).toEqual([]);
  for (const language of ['en', 'de', 'fr', 'es']) {
    const here = heldOut.filter((sentence) => sentence.language === language);
    expect(here.length).toBeGreaterThanOrEqual(50);
    expect(here.filter(({ spans }) => spans.length === 0).length).toBeGreaterThanOrEqual(12);
  }
});

it.each(['en', 'de', 'fr', 'es'])('[T4] names in held-out %s sentences: recall 0.90, precision 0.95', (language) => {
  const sentences = readLabelled('held-out').filter((sentence) => sentence.language === language);
  const { recall, precision } = measure(sentences, scan).scores.find(({ kind }) => kind === 'person')!;
  expect(recall).toBeGreaterThanOrEqual(0.9);
  expect(precision).toBeGreaterThanOrEqual(0.95);
});
