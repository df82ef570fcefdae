/** Replaces findings by pseudonyms until nothing is found any more. Decides nothing about what is personal: the scan does. */
import type { Finding } from './findings.ts';
import type { Pseudonyms } from './pseudonyms.ts';

/** A finding and what stands in its place; places are those of the text as it came. */
export interface Replacement extends Finding {
  readonly pseudonym: string;
}

export interface Anonymised {
  /** No detector fires on it. */
  readonly text: string;
  /** In order of the text, apart from each other. */
  readonly findings: readonly Replacement[];
}

/** What is left beside a replaced place can read differently without it, so the result is scanned again. */
const MOST_ROUNDS = 12;

/** @throws Error when something is still found after 12 rounds: then the text must not leave. */
export function anonymiseWith(
  scan: (text: string) => readonly Finding[],
  text: string,
  pseudonyms: Pseudonyms,
): Anonymised {
  let replaced: Replacement[] = [];
  let current = text;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = scan(current);
    if (found.length === 0) return { text: current, findings: replaced };
    const places = inOriginal(replaced, found);
    const added = found.map((finding, i) => ({
      ...finding,
      ...places[i]!,
      pseudonym: pseudonyms.of(finding.kind, current.slice(finding.start, finding.end)),
    }));
    replaced = [...replaced, ...added].sort((a, b) => a.start - b.start);
    current = withPseudonyms(text, replaced);
  }
  throw new Error(`personal data was still found after ${MOST_ROUNDS} rounds of replacement; the text must not leave`);
}

function withPseudonyms(text: string, replaced: readonly Replacement[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const { start, end, pseudonym } of replaced) {
    parts.push(text.slice(from, start), pseudonym);
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join('');
}

/** Where findings of the text with pseudonyms lie in the text as it came. Both lists are in order; none touches a pseudonym. */
function inOriginal(
  replaced: readonly Replacement[],
  found: readonly Finding[],
): readonly { start: number; end: number }[] {
  let next = 0;
  /** What to add to a place of the newer text to get the one of the original. */
  let shift = 0;
  return found.map(({ start, end }) => {
    for (
      let earlier = replaced[next];
      earlier !== undefined && earlier.start - shift < start;
      earlier = replaced[next]
    ) {
      shift += earlier.end - earlier.start - earlier.pseudonym.length;
      next++;
    }
    return { start: start + shift, end: end + shift };
  });
}
