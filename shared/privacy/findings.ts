/** What a finding is, and which of two overlapping ones stands. Knows no detector, and never holds the value that was found. */

/** Of two findings of equal length the kind that comes first here stands. */
export const KINDS = [
  'secret_url',
  'secret',
  'email',
  'iban',
  'card',
  'national_id',
  'mac',
  'ip',
  'phone',
  'birth_date',
  'address',
  'person',
] as const;

export type Kind = (typeof KINDS)[number];

/** One place in a text that tells who somebody is, or opens what is theirs. */
export interface Finding {
  readonly kind: Kind;
  /** UTF-16 units from the beginning of the text, as `String.slice` counts; `end` is the first one after it. */
  readonly start: number;
  readonly end: number;
  /** From 0 to 1: how sure the rule is; a checksum or a cue that names the kind gives 0.9 and more. */
  readonly confidence: number;
  /** The rule that found it, such as `us_ssn` or `title_and_name`: for explanations and tests. */
  readonly rule: string;
}

const RANK = new Map<Kind, number>(KINDS.map((kind, i) => [kind, i]));

/** One rule: the longer finding stands; of equal length the kind that comes first in `KINDS`. The result is in order of the text. */
export function resolveOverlaps(candidates: readonly Finding[]): Finding[] {
  const best = candidates.toSorted(
    (a, b) => b.end - b.start - (a.end - a.start) || RANK.get(a.kind)! - RANK.get(b.kind)! || a.start - b.start,
  );
  const inOrder = candidates.toSorted((a, b) => a.start - b.start);
  if (inOrder.every(({ start }, i) => i === 0 || start >= inOrder[i - 1]!.end)) return inOrder;
  return withoutOverlaps(best);
}

/** Takes them in the order given, each that no earlier one covers. Kept ones are in a list sorted by start, searched by halves. */
function withoutOverlaps(best: readonly Finding[]): Finding[] {
  const groups = new Map<number, Finding[]>();
  const kept: Finding[] = [];
  for (const finding of best) {
    const first = finding.start >> BUCKET_BITS;
    const last = (finding.end - 1) >> BUCKET_BITS;
    let free = true;
    for (let bucket = first; bucket <= last && free; bucket++) {
      free = !groups.get(bucket)?.some(({ start, end }) => start < finding.end && finding.start < end);
    }
    if (!free) continue;
    kept.push(finding);
    for (let bucket = first; bucket <= last; bucket++) {
      const group = groups.get(bucket);
      if (group === undefined) groups.set(bucket, [finding]);
      else group.push(finding);
    }
  }
  return kept.sort((a, b) => a.start - b.start);
}

/** Findings are looked up by stretches of 64 characters: at most 64 can lie in one, so the work stays in proportion to the text. */
const BUCKET_BITS = 6;
