/** All the numbers of the ranking, in one place. One set serves every kind of corpus; README.md says how they were found. */

/** A share or weight unless said otherwise; scores are shares of what the question's terms weigh together. */
export interface Tuning {
  /** Terms that are asked for only inside a known name: their worth in a passage that does not hold the name. */
  readonly fragment: number;
  /** … and in one that holds the name, but is not about it. */
  readonly mentioned: number;
  /** What a passage about a name in the question gets: anyway, by the share of the question that the name is, and at least. */
  readonly titleFixed: number;
  readonly titleMass: number;
  readonly titleFloor: number;
  /** How far to believe a name that the question writes small. */
  readonly smallName: number;
  /** Several passages that hold a name share what it is worth: by their number to this power; and those that are about it. */
  readonly shareExponent: number;
  readonly aboutExponent: number;
  /** Terms that stand side by side in the question and in the passage. */
  readonly pairs: number;
  /** As much of the question as stands within so many words. */
  readonly together: number;
  readonly window: number;
  /** What a turn gets of the score of the one before and the one after. */
  readonly neighbour: number;
  /** Cosine of the vectors, where the passages found are not woven together by names. */
  readonly vector: number;
  /** How many of the best passages move the question's vector. */
  readonly feedback: number;
  /** Deeper ranks: terms and vectors of the best passages' subject, and how many such terms. */
  readonly subject: number;
  readonly subjectVector: number;
  readonly subjectTerms: number;
  /** How many passages are followed, and how many of those reached so are followed once more. */
  readonly parents: number;
  readonly grandparents: number;
  readonly secondHop: number;
  /** A step: what it has anyway, by the terms around the name, by the terms that the target adds, by those it repeats. */
  readonly base: number;
  readonly overlap: number;
  readonly gain: number;
  readonly repeat: number;
  /** Words before and after a name that are around it; terms farther off in its sentence; terms only related to the asked ones. */
  readonly reach: number;
  readonly far: number;
  readonly related: number;
  /** A name that is a part of a longer one. */
  readonly partial: number;
  /** A name without a passage about it leads to the other passages that hold it, if they are not more than this. */
  readonly shared: number;
  readonly mostShared: number;
  /** … and how far to believe that when there are passages about the name too. */
  readonly sharedBeside: number;
  /** From what share of the best passages with links on names are trusted to be what holds the corpus together. */
  readonly woven: number;
}

export const TUNING: Tuning = {
  fragment: 0.25,
  mentioned: 0.7,
  titleFixed: 0.15,
  titleMass: 0.7,
  titleFloor: 1.4,
  smallName: 0.4,
  shareExponent: 0.5,
  aboutExponent: 0.25,
  pairs: 0.4,
  together: 0.3,
  window: 20,
  neighbour: 0.3,
  vector: 0.4,
  feedback: 5,
  subject: 1,
  subjectVector: 1,
  subjectTerms: 30,
  parents: 12,
  grandparents: 6,
  secondHop: 0.7,
  base: 0.5,
  overlap: 1,
  gain: 2,
  repeat: 0.3,
  reach: 5,
  far: 0.5,
  related: 0.5,
  partial: 0.4,
  shared: 1,
  mostShared: 20,
  sharedBeside: 0.75,
  woven: 0.5,
};
