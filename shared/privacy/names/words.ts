/** Cuts a text into words. Knows no names. Most words are never looked at again, so what is costly is found out when asked. */

export class Word {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly isCapital: boolean;
  readonly #source: string;
  #folded: string | undefined;

  constructor(source: string, start: number, end: number) {
    this.#source = source;
    this.start = start;
    this.end = end;
    this.text = source.slice(start, end);
    this.isCapital = isCapital(source.charCodeAt(start));
  }

  /** Small letters without accents. */
  get folded(): string {
    this.#folded ??= foldWord(this.text);
    return this.#folded;
  }

  /** A capital with a dot: `J.`, `J.-P.` */
  get isInitial(): boolean {
    return this.text.length <= 3 && this.#source[this.end] === '.' && /^\p{Lu}(?:-\p{Lu})?$/u.test(this.text);
  }

  /** Part of a path, an identifier or an address: no word of a sentence. */
  get isCode(): boolean {
    const { start, end } = this;
    const before = this.#source[start - 1] ?? ' ';
    const after = this.#source[end] ?? ' ';
    if (after === '.' && end - start > 1 && isLetterOrDigit(this.#source, end + 1)) return true;
    if (after === '(' || (after === ':' && this.#source[end + 1] === ':')) return true;
    if (before === ':' && this.#source[start - 2] === ':') return true;
    if (before === '.') return !this.#followsInitial();
    return CODE_BESIDE.test(before) || CODE_BESIDE.test(after);
  }

  /** `J.R. Pemberton`: the dot before it is that of an initial, or ends a sentence without a space. */
  #followsInitial(): boolean {
    return isLetterOrDigit(this.#source, this.start - 2) && !isLetterOrDigit(this.#source, this.start - 3);
  }
}

const CODE_BESIDE = /[\p{N}_@#$/\\~=&]/u;
const ELIDED = new Set(['d', 'l', 'j', 'n', 's', 'c', 't', 'm', 'qu']);

export function wordsIn(text: string): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < text.length; at++) {
    if (!isLetter(text.charCodeAt(at))) continue;
    let start = at;
    at++;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (isLetter(code)) continue;
      if ((code !== APOSTROPHE && code !== HYPHEN) || !isLetter(text.charCodeAt(at + 1))) break;
      // `d'Émilie` is two words, `O'Donnell` and `D'Angelo` are one.
      if (code !== APOSTROPHE || at - start > 2 || !ELIDED.has(text.slice(start, at).toLowerCase())) continue;
      if (text[start] === 'D' && isCapital(text.charCodeAt(at + 1))) continue;
      start = at + 1;
    }
    const isPossessive = at - start > 2 && text.charCodeAt(at - 2) === APOSTROPHE && /[sS]/.test(text[at - 1]!);
    words.push(new Word(text, start, isPossessive ? at - 2 : at));
  }
  return words;
}

const APOSTROPHE = 39;
const HYPHEN = 45;
const LETTER_OR_MARK = /^[\p{L}\p{M}]$/u;

function isLetter(code: number): boolean {
  if (code < 128) return (code | 32) >= 97 && (code | 32) <= 122;
  if (code < 0x250) return code >= 0xc0 ? code !== 0xd7 && code !== 0xf7 : code === 0xaa || code === 0xba;
  return LETTER_OR_MARK.test(String.fromCharCode(code));
}

function isCapital(code: number): boolean {
  if (code < 128) return code >= 65 && code <= 90;
  const letter = String.fromCharCode(code);
  return letter !== letter.toLowerCase();
}

function isLetterOrDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isLetter(code) || (code >= 48 && code <= 57) || code === 95;
}

export function foldWord(word: string): string {
  const small = word.toLowerCase();
  if (isAscii(small)) return small;
  return small
    .replaceAll('ß', 'ss')
    .replaceAll('ı', 'i')
    .replaceAll('ł', 'l')
    .replaceAll('ø', 'o')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
