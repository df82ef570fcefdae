/**
 * Names of persons. A name begins at a title, at a word that announces one, or at a given name; family names, particles and
 * initials continue it. Each word is looked at a bounded number of times.
 */
import type { Finding } from '../findings.ts';
import type { Lexicon } from '../names/lexicon.ts';
import { CUES, DOES, FIRMS, THINGS, TITLES, WEAK_CUES } from '../names/name-cues.ts';
import { LEADING_SURNAMES, PARTICLES } from '../names/surnames.ts';
import { type Word, wordsIn } from '../names/words.ts';

const MOST_WORDS = 5;
const ARTICLES: ReadonlySet<string> = new Set(
  'the a an der die das den dem des ein eine einen einem einer zum zur im am vom beim le la les un une du des au aux el los las lo una unos unas del al'.split(
    ' ',
  ),
);

interface Name {
  /** Numbers of its first and last word. */
  readonly first: number;
  readonly last: number;
  readonly confidence: number;
  readonly rule: string;
}

export function findPersons(text: string, lexicon: Lexicon): Finding[] {
  const words = wordsIn(text);
  const reader = new NameReader(text, words, lexicon);
  const names: Name[] = [];
  for (let i = 0; i < words.length; i++) {
    if (!words[i]!.isCapital || words[i]!.isCode) continue;
    const name = reader.nameAt(i);
    if (name === undefined) continue;
    names.push(name);
    i = name.last;
  }
  const all = [...names, ...reader.listed(names), ...reader.mentionedAgain(names)];
  return all.map(({ first, last, confidence, rule }) => ({
    kind: 'person',
    start: words[first]!.start,
    end: words[last]!.end,
    confidence,
    rule,
  }));
}

class NameReader {
  readonly #text: string;
  readonly #words: readonly Word[];
  readonly #lexicon: Lexicon;

  constructor(text: string, words: readonly Word[], lexicon: Lexicon) {
    this.#text = text;
    this.#words = words;
    this.#lexicon = lexicon;
  }

  /** The name that begins with this word, if one does. */
  nameAt(i: number): Name | undefined {
    const word = this.#words[i]!;
    if (this.#isThing(i)) return undefined;
    return (
      this.#afterTitle(i) ??
      this.#fromInitials(i, word) ??
      this.#afterCue(i) ??
      this.#fromGiven(i, word) ??
      this.#fromLeadingSurname(i, word) ??
      this.#pair(i, word)
    );
  }

  /** `Dr. Vosskuhle`, `Frau Kowalczyk`, `don Anselmo`. */
  #afterTitle(i: number): Name | undefined {
    const before = this.#words[i - 1];
    if (before === undefined || !TITLES.has(before.folded) || !/^\.? $/.test(this.#gap(i - 1))) return undefined;
    if (before.text === 'm' || (before.text === 'M' && this.#text[before.end] !== '.')) return undefined;
    if (TITLES.has(this.#words[i]!.folded) || !this.#canBeSurname(i)) return undefined;
    return { first: i, last: this.#extended(i, 3), confidence: 0.93, rule: 'title_and_name' };
  }

  /** `Liebe Johanna`, `my sister Siobhan Gallagher`, `Firmado: Arturo Peñalver`. */
  #afterCue(i: number): Name | undefined {
    if (this.#words[i]!.isInitial) return undefined;
    const before = this.#words[i - 1];
    if (before === undefined) return undefined;
    const gap = this.#gap(i - 1);
    if (CUES.has(before.folded) && /^(?:[,:!]?[ \n]{1,3}|: )$/.test(gap) && this.#canBeginName(i)) {
      return { first: i, last: this.#extended(i, 3), confidence: 0.85, rule: 'cue_and_name' };
    }
    if (WEAK_CUES.has(before.folded) && gap === ' ' && this.#canBeginName(i)) {
      const last = this.#extended(i, 3);
      if (last > i && !this.#lexicon.isNoName(this.#words[last]!.folded))
        return { first: i, last, confidence: 0.75, rule: 'by_and_name' };
    }
    return undefined;
  }

  /** `Svenja`, `Tomasz Wrona`; `Rose` only where a family's name follows. */
  #fromGiven(i: number, word: Word): Name | undefined {
    const { isGiven, isMaybeGiven, isSurname } = this.#lexicon;
    if (isGiven(word.folded)) {
      if (isShouted(word) && !this.#isSurnameAfter(i)) return undefined;
      const last = this.#extended(i, 4);
      if (last === i && this.#isCommand(i)) return undefined;
      return { first: i, last, confidence: last > i ? 0.92 : 0.78, rule: last > i ? 'given_and_family' : 'given' };
    }
    if (!isMaybeGiven(word.folded) || !this.#isSurnameAfter(i)) return undefined;
    const next = this.#words[i + 1]!;
    if (this.#lexicon.isNoName(next.folded) && !isSurname(next.folded)) return undefined;
    const last = this.#extended(i, 4);
    if (this.#lexicon.isNoName(word.folded) && this.#joins(last)) return undefined;
    return { first: i, last, confidence: 0.72, rule: 'maybe_given_and_family' };
  }

  /** `J. R. Pemberton`; a single initial only before a known family's name. */
  #fromInitials(i: number, word: Word): Name | undefined {
    if (!word.isInitial) return undefined;
    let at = i;
    while (this.#words[at]?.isInitial && at - i < 3 && /^\.[ -]?$/.test(this.#gap(at))) at++;
    const family = this.#words[at];
    if (
      family === undefined ||
      !family.isCapital ||
      family.isInitial ||
      family.text.length < 3 ||
      !this.#canBeginName(at)
    )
      return undefined;
    const isDouble = at - i > 1 || word.text.length > 1;
    if (!isDouble && !this.#lexicon.isSurname(family.folded)) return undefined;
    return { first: i, last: this.#extended(at, 2), confidence: 0.82, rule: 'initials_and_family' };
  }

  /** `Nguyen Van Minh`, `Chen Wei`. */
  #fromLeadingSurname(i: number, word: Word): Name | undefined {
    if (!LEADING_SURNAMES.has(word.folded) || !this.#joins(i) || !this.#canBeginName(i + 1)) return undefined;
    return { first: i, last: this.#extended(i, 2), confidence: 0.8, rule: 'family_leads' };
  }

  /** Two or three unknown words of which the last is known as a family's name, or acts: `Wilson Quispe`, `Xhosa Pemble said`. */
  #pair(i: number, word: Word): Name | undefined {
    if (isShouted(word) || !this.#canBeginName(i) || this.#joinsBefore(i) || this.#hasArticle(i)) return undefined;
    const last = this.#extended(i, 2);
    if (last === i || last - i > 2 || !this.#joins(i)) return undefined;
    const { isSurname, isNoName } = this.#lexicon;
    const family = this.#words[last]!;
    if (isNoName(family.folded) && !isSurname(family.folded)) return undefined;
    const next = this.#words[last + 1];
    const acts = next !== undefined && this.#gap(last) === ' ' && DOES.has(next.folded);
    if (!isSurname(family.folded) && !acts) return undefined;
    return { first: i, last, confidence: 0.7, rule: acts ? 'name_acts' : 'unknown_and_family' };
  }

  /** Neighbours in a list of full names: `Ida Bohn, Xin Pemble and Uwe Roth`. */
  listed(names: readonly Name[]): Name[] {
    const taken = new Set(names.flatMap(({ first, last }) => range(first, last)));
    const found: Name[] = [];
    for (const name of names.filter(({ first, last }) => last > first)) {
      let at = this.#nextInList(name.last);
      while (at !== undefined && !taken.has(at) && this.#canBeginName(at) && !this.#isThing(at)) {
        const last = this.#extended(at, 3);
        if (last === at || range(at, last).some((i) => taken.has(i) || this.#lexicon.isNoName(this.#words[i]!.folded)))
          break;
        found.push({ first: at, last, confidence: 0.7, rule: 'listed' });
        for (const i of range(at, last)) taken.add(i);
        at = this.#nextInList(last);
      }
    }
    return found;
  }

  /** A family's name alone, after the full name stood in the text. */
  mentionedAgain(names: readonly Name[]): Name[] {
    const families = new Set(
      names.filter(({ first, last }) => last > first).map(({ last }) => this.#words[last]!.text),
    );
    if (families.size === 0) return [];
    const taken = new Set(names.flatMap(({ first, last }) => range(first, last)));
    const again: Name[] = [];
    for (const [i, word] of this.#words.entries()) {
      if (!word.isCapital || !families.has(word.text) || taken.has(i) || word.isCode) continue;
      if (this.#lexicon.isNoName(word.folded) || this.#isThing(i)) continue;
      again.push({ first: i, last: i, confidence: 0.7, rule: 'mentioned_again' });
    }
    return again;
  }

  #gap(i: number): string {
    const next = this.#words[i + 1];
    if (next === undefined) return '';
    const { end } = this.#words[i]!;
    return next.start - end > 8 ? '\n\n\n\n' : this.#text.slice(end, next.start);
  }

  /** The word that follows belongs to the same name, as far as spaces tell. */
  #joins(i: number): boolean {
    const next = this.#words[i + 1];
    if (next === undefined || !next.isCapital || next.isCode) return false;
    const gap = this.#gap(i);
    return gap === ' ' || (this.#words[i]!.isInitial && /^\.[ -]?$/.test(gap)) || gap === " d'";
  }

  #joinsBefore(i: number): boolean {
    return (
      i > 0 &&
      this.#words[i - 1]!.isCapital &&
      this.#joins(i - 1) &&
      !this.#lexicon.isNoName(this.#words[i - 1]!.folded)
    );
  }

  /** `Lea las condiciones`, `Mark the date`: a sentence that begins with a verb. */
  #isCommand(i: number): boolean {
    const next = this.#words[i + 1];
    return next !== undefined && this.#gap(i) === ' ' && ARTICLES.has(next.folded) && this.#beginsSentence(i);
  }

  #beginsSentence(i: number): boolean {
    return i === 0 || /[.!?:\n]/.test(this.#gap(i - 1));
  }

  /** `der Goldene Hirsch`, `l'Auberge du Cheval`: persons' names go without. */
  #hasArticle(i: number): boolean {
    const { start } = this.#words[i]!;
    if (this.#text[start - 1] === "'") return true;
    const before = this.#words[i - 1];
    return before !== undefined && this.#gap(i - 1) === ' ' && ARTICLES.has(before.folded);
  }

  #isSurnameAfter(i: number): boolean {
    if (!this.#joins(i)) return false;
    const { folded } = this.#words[i + 1]!;
    const { isSurname, isGiven, hasSurnameEnding, isNoName } = this.#lexicon;
    return isSurname(folded) || isGiven(folded) || (hasSurnameEnding(folded) && !isNoName(folded));
  }

  #canBeginName(i: number): boolean {
    const word = this.#words[i];
    if (word === undefined || !word.isCapital || word.isCode) return false;
    const { isNoName, isGiven } = this.#lexicon;
    return (
      isGiven(word.folded) ||
      (!isNoName(word.folded) && !TITLES.has(word.folded) && !FIRMS.has(word.folded) && !THINGS.has(word.folded))
    );
  }

  #canBeSurname(i: number): boolean {
    return this.#words[i]!.isInitial || this.#canBeginName(i) || this.#lexicon.isSurname(this.#words[i]!.folded);
  }

  /** The last word of the name that begins with word `i`, at most so many words on. */
  #extended(i: number, most: number): number {
    let last = i;
    for (let at = i; at - i < Math.min(most + 2, MOST_WORDS); ) {
      const next = this.#afterParticles(at);
      if (next === undefined) break;
      // `de La Tour`, `Le Goff`: what follows a particle with a capital is the family's name, whatever else it means.
      if (PARTICLES.has(this.#words[next]!.folded) && this.#joins(next)) {
        at = next + 1;
      } else {
        if (!this.#continues(next)) break;
        at = next;
      }
      last = at;
    }
    return last;
  }

  #continues(i: number): boolean {
    const { folded, isInitial } = this.#words[i]!;
    if (isInitial) return true;
    const { isNoName, isSurname } = this.#lexicon;
    if (FIRMS.has(folded)) return false;
    return !isNoName(folded) || isSurname(folded);
  }

  /** The next word with a capital, over at most two particles: `de la Fuente`. */
  #afterParticles(i: number): number | undefined {
    if (this.#joins(i)) return i + 1;
    let at = i + 1;
    while (at - i <= 2 && this.#gap(at - 1) === ' ' && PARTICLES.has(this.#words[at]?.text ?? '')) at++;
    return at > i + 1 &&
      this.#gap(at - 1) === ' ' &&
      this.#words[at]?.isCapital &&
      !this.#words[at]!.isCode &&
      this.#words[i + 1]!.folded !== 'y'
      ? at
      : undefined;
  }

  /** `salle Pierre`, `Lake Isabella`, `Johnson & Johnson`, `Ida Bank`. */
  #isThing(i: number): boolean {
    const before = this.#words[i - 1];
    if (before !== undefined && /^\.? $|^-$/.test(this.#gap(i - 1)) && THINGS.has(before.folded)) return true;
    const { start, end } = this.#words[i]!;
    if (/&\s?$/.test(this.#text.slice(Math.max(0, start - 2), start)) || /^\s?&/.test(this.#text.slice(end, end + 2)))
      return true;
    for (let at = i, steps = 0; steps < 3 && this.#joins(at); at++, steps++) {
      const { folded } = this.#words[at + 1]!;
      if (FIRMS.has(folded) && !this.#lexicon.isSurname(folded)) return true;
    }
    return false;
  }

  #nextInList(i: number): number | undefined {
    const gap = this.#gap(i);
    if (/^[,;] ?$/.test(gap))
      return this.#words[i + 1]?.isCapital
        ? i + 1
        : /^(?:and|und|et|y|e)$/.test(this.#words[i + 1]?.folded ?? '')
          ? i + 2
          : undefined;
    if (gap === ' ' && /^(?:and|und|et|y|e)$/.test(this.#words[i + 1]?.folded ?? '')) return i + 2;
    return undefined;
  }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function isShouted({ text }: Word): boolean {
  return text.length > 1 && text === text.toUpperCase();
}
