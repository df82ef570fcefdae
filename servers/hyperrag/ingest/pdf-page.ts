/** Puts the runs of text on a PDF's page together to paragraphs, by where they stand. Pure. */

/** A run as pdf.js gives it: points of 1/72 inch; `transform[5]` is the height of its base line above the page's foot. */
export interface Run {
  readonly str: string;
  readonly hasEOL: boolean;
  readonly height: number;
  readonly transform: readonly unknown[];
}

/** Lines farther apart than so many times the height of the letters are two paragraphs. */
const PARAGRAPH_GAP = 1.7;

/** Paragraphs with blank lines between them; words that a line's end had cut are whole again. */
export function pageText(runs: readonly Run[]): string {
  let text = '';
  let line = '';
  let lastY: number | undefined;
  let height = 0;
  const endLine = () => {
    const whole = line.replace(/\s+/gu, ' ').trim();
    line = '';
    if (whole === '') return;
    // A hyphen before a small letter is the typesetter's.
    if (/\p{L}-$/u.test(text) && /^\p{Ll}/u.test(whole)) text = text.slice(0, -1) + whole;
    else text += text === '' || text.endsWith('\n') ? whole : ` ${whole}`;
  };
  for (const run of runs) {
    const y = Number(run.transform[5]);
    if (run.str.trim() !== '') {
      if (lastY !== undefined && Math.abs(lastY - y) > PARAGRAPH_GAP * Math.max(height, run.height, 1)) {
        endLine();
        if (text !== '') text += '\n\n';
      }
      lastY = y;
      height = run.height;
    }
    line += run.str;
    if (run.hasEOL) endLine();
  }
  endLine();
  return text;
}
