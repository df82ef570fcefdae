import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkMarkdown, chunkText } from '../../../../servers/hyperrag/ingest/chunk.ts';
import { readHtml } from '../../../../servers/hyperrag/ingest/html.ts';

const MOST = 2_500;
const letters = (text: string) => text.replace(/\s+/gu, '');

describe('chunkText', () => {
  it('[H1] keeps a short text whole', () => {
    expect(chunkText('One line.\nAnother line.')).toEqual([{ heading: '', text: 'One line.\nAnother line.' }]);
  });

  it('[H1] loses no character but space, and makes no piece too long, whatever the text', () => {
    const text = fc
      .array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\n\n', ' ', '. ', 'word', 'x'.repeat(3_000))))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (whole) => {
        const pieces = chunkText(whole);
        expect(letters(pieces.map((piece) => piece.text).join(''))).toBe(letters(whole));
        for (const piece of pieces) expect(piece.text.length).toBeLessThanOrEqual(MOST);
      }),
      { numRuns: 200 },
    );
  });
});

describe('chunkMarkdown', () => {
  it('[H1] cuts at headings and keeps the way to each', () => {
    const text = '# Book\n\nPreface.\n\n## One\n\nFirst.\n\n### Deep\n\nDeeper.\n\nTwo\n---\n\nSecond.\n';
    expect(chunkMarkdown(text)).toEqual([
      { heading: 'Book', text: 'Preface.' },
      { heading: 'Book › One', text: 'First.' },
      { heading: 'Book › One › Deep', text: 'Deeper.' },
      { heading: 'Book › Two', text: 'Second.' },
    ]);
  });

  it('[H1] takes no heading out of code', () => {
    const text = '# Real\n\n```sh\n# a comment\nls\n```\n\nAfter.';
    expect(chunkMarkdown(text)).toEqual([{ heading: 'Real', text: '```sh\n# a comment\nls\n```\n\nAfter.' }]);
  });

  it('[H1] loses no word of a text without headings, and ends on any input', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), (whole) => {
        for (const { text } of chunkMarkdown(whole)) expect(text.length).toBeLessThanOrEqual(MOST);
      }),
      { numRuns: 200 },
    );
  });
});

describe('readHtml', () => {
  it('[H1] reads text under its headings, without scripts, styles and markup', () => {
    const html =
      '<!doctype html><html><head><title>A &amp; B</title><style>p{}</style></head><body><!-- no --><h1>Top</h1><p>One <b>bold</b> word.</p>' +
      '<script>if (1<2) alert("x")</script><h2>Next</h2><ul><li>a</li><li>b &lt; c</li></ul><p title="x > y">end</p></body></html>';
    expect(readHtml(html)).toEqual({
      title: 'A & B',
      pieces: [
        { heading: 'Top', text: 'One bold word.' },
        { heading: 'Top › Next', text: 'a\n\nb < c\n\nend' },
      ],
    });
  });

  it.each(['<', '<p', '<!--', '<script>', '&#xffffff; &bogus; &#0;', '</', '< b', '<h1>'.repeat(1_000)])(
    '[H1] survives %j',
    (html) => {
      expect(() => readHtml(html)).not.toThrow();
    },
  );

  it('[H1] takes time in proportion to the length', () => {
    const began = performance.now();
    readHtml('<a href="'.repeat(100_000));
    readHtml('<p>x'.repeat(200_000));
    readHtml('&'.repeat(500_000));
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
