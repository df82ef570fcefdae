/** Owns what is known for a passage while one question is answered: a number for each kind of evidence, and their sum. */

/** All in shares of what the question's terms weigh together. */
export interface Evidence {
  /** BM25 of the keywords. */
  readonly lexical: number;
  /** What a name in the question gives to the passages about it. */
  readonly named: number;
  /** Terms by each other, side by side as in the question or in few words. */
  readonly pairs: number;
  /** What neighbours in a conversation or document lend. */
  readonly neighbours: number;
  /** What the likeness of the vectors gives. */
  readonly vector: number;
}

export interface Candidate {
  readonly slot: number;
  readonly evidence: Evidence;
  /** The sum of the evidence. */
  readonly score: number;
}

export const NO_EVIDENCE: Evidence = { lexical: 0, named: 0, pairs: 0, neighbours: 0, vector: 0 };

export function candidate(slot: number, evidence: Evidence): Candidate {
  const { lexical, named, pairs, neighbours, vector } = evidence;
  return { slot, evidence, score: lexical + named + pairs + neighbours + vector };
}

/** The candidate with more evidence. */
export function strengthen(from: Candidate, more: Partial<Evidence>): Candidate {
  return candidate(from.slot, { ...from.evidence, ...more });
}

/** The highest scores first; equal ones by id, so that the order does not depend on when a passage was added. */
export function byScore(ids: readonly string[]): (a: Scored, b: Scored) => number {
  return (a, b) => b.score - a.score || (ids[a.slot]! < ids[b.slot]! ? -1 : ids[a.slot]! > ids[b.slot]! ? 1 : 0);
}

export interface Scored {
  readonly slot: number;
  readonly score: number;
}

/** Keeps the `most` best of many that are offered, without sorting them all: a heap with the worst kept one on top. */
export class Best {
  readonly #most: number;
  readonly #compare: (a: Scored, b: Scored) => number;
  readonly #heap: Scored[] = [];

  constructor(most: number, compare: (a: Scored, b: Scored) => number) {
    this.#most = most;
    this.#compare = compare;
  }

  /** Whoever has less is not kept. */
  get floor(): number {
    return this.#heap.length < this.#most ? Number.NEGATIVE_INFINITY : this.#heap[0]!.score;
  }

  offer(slot: number, score: number): void {
    if (score < this.floor) return;
    const one = { slot, score };
    if (this.#heap.length < this.#most) this.#rise(one);
    else if (this.#compare(one, this.#heap[0]!) < 0) this.#sink(one);
  }

  /** The best first. */
  sorted(): Scored[] {
    return [...this.#heap].sort(this.#compare);
  }

  #rise(one: Scored): void {
    const heap = this.#heap;
    let at = heap.push(one) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(one, heap[parent]!) <= 0) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = one;
  }

  /** Takes the place of the worst. */
  #sink(one: Scored): void {
    const heap = this.#heap;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && this.#compare(heap[child + 1]!, heap[child]!) > 0) child++;
      if (this.#compare(one, heap[child]!) >= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = one;
  }
}
