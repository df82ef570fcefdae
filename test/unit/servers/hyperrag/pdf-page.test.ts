import { expect, it } from 'vitest';
import { pageText, type Run } from '../../../../servers/hyperrag/ingest/pdf-page.ts';

/** Lines 14 points apart; a gap of so many lines before each. */
function runs(...lines: (readonly [text: string, gap?: number])[]): Run[] {
  let y = 700;
  return lines.map(([str, gap = 1]) => {
    y -= 14 * gap;
    return { str, hasEOL: true, height: 12, transform: [12, 0, 0, 12, 72, y] };
  });
}

it('[H1] joins the lines of a paragraph and keeps paragraphs apart', () => {
  expect(pageText(runs(['The mill'], ['stone.'], ['The weir.', 2]))).toBe('The mill stone.\n\nThe weir.');
});

it("[H1] heals a word that the line's end cut, and no compound of capitals", () => {
  expect(pageText(runs(['was re-'], ['paired by Anna-'], ['Lena']))).toBe('was repaired by Anna- Lena');
});

it('[H1] keeps runs of one line together, and gives nothing for an empty page', () => {
  const [first, second] = runs(['one '], ['two']);
  expect(
    pageText([
      { ...first!, hasEOL: false },
      { ...second!, transform: first!.transform },
    ]),
  ).toBe('one two');
  expect(pageText([])).toBe('');
  expect(pageText(runs(['  ']))).toBe('');
});
