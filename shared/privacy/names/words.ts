/** Cuts a text into words, with what stands between them. Knows no names. */

export interface Word {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Small letters without accents. */
  readonly folded: string;
  readonly isCapital: boolean;
  /** A capital with a dot: `J.`, `J.-P.` */
  readonly isInitial: boolean;
  /** Part of a path, an identifier or an address: no word of a sentence. */
  readonly isCode: boolean;
}

const WORD = /\p{L}[\p{L}\p{M}]*(?:['-]\p{L}[\p{L}\p{M}]*)*/gu;
const ELISION = /^(?:[dljnsctm]|qu)'(?=\p{L})/iu;
const CODE_BEFORE = /[\p{N}_@#$/\\.~=&]/u;
const CODE_AFTER = /[\p{N}_@#$/\\(=&]/u;

export function wordsIn(text: string): Word[] {
  const words: Word[] = [];
  WORD.lastIndex = 0;
  for (let match = WORD.exec(text); match !== null; match = WORD.exec(text)) {
    let word = match[0];
    let start = match.index;
    let isElided = false;
    if (word.length > 2 && (word[1] === "'" || word[2] === "'")) {
      const head = ELISION.exec(word)?.[0];
      if (head !== undefined && word !== "O'" && !/^[OD]'\p{Lu}/u.test(word)) {
        start += head.length;
        word = word.slice(head.length);
        isElided = true;
      }
    }
    if (word.endsWith("'s") || word.endsWith("'S")) word = word.slice(0, -2);
    const end = start + word.length;
    const before = isElided ? ' ' : (text[start - 1] ?? ' ');
    const after = text[end] ?? ' ';
    words.push({
      start,
      end,
      text: word,
      folded: foldWord(word),
      isCapital: word[0] !== word[0]!.toLowerCase(),
      isInitial: after === '.' && /^\p{Lu}(?:-\p{Lu})?$/u.test(word),
      isCode:
        (CODE_BEFORE.test(before) &&
          !(before === '.' && /\p{L}/u.test(text[start - 2] ?? '') && isInitialBefore(text, start))) ||
        CODE_AFTER.test(after) ||
        (after === '.' && /[\p{L}\p{N}_]/u.test(text[end + 1] ?? '') && word.length > 1) ||
        (after === ':' && text[end + 1] === ':'),
    });
  }
  return words;
}

/** `J.R. Pemberton`: the dot before a letter can be that of an initial. */
function isInitialBefore(text: string, start: number): boolean {
  return !/\p{L}/u.test(text[start - 3] ?? ' ');
}

export function foldWord(word: string): string {
  const small = word.toLowerCase();
  if (!/[^\0-\x7f]/.test(small)) return small;
  return small
    .replaceAll('ß', 'ss')
    .replaceAll('ı', 'i')
    .replaceAll('ł', 'l')
    .replaceAll('ø', 'o')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '');
}
