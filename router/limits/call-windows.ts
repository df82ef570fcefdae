/**
 * Counts calls by key over any 60 s, in little memory for many keys: a table of numbers for all, and a list of times only for
 * keys that need one. Decides nothing; time comes in.
 */

/** Calls of one step count as one time, the end of it: a count is never too low, and too high by this much of the window. */
const STEP_MS = 250;
const WINDOW_STEPS = 60_000 / STEP_MS;
/** Each grows by itself, so that no growth takes long. */
const SEGMENTS = 64;
const FIRST_CAPACITY = 16;
const FULL = 0.8;
const GROWTH = 1.3;
/** Numbers of one entry: hash (2), step of its latest call, calls, place of its list + 1 (0: none), calls leased. */
const STRIDE = 6;
const [LAST, COUNT, LIST, LEASED] = [2, 3, 4, 5];
/** A step in a list, in bytes, and what a list takes beside, in steps. */
const STEP_BYTES = 16;
const LIST_STEPS = 8;
/** Steps in all lists together; beyond, calls of a key join its latest step, and are counted too long rather than too short. */
const MAX_LISTED = 450_000;

/** Names a key: 64 bits of it under a seed that all processes on a data folder share. */
export interface KeyHash {
  readonly a: number;
  readonly b: number;
}

/** The calls of one key by step, oldest first: step, calls, step, calls … from `head` on. */
interface List {
  steps: number[];
  head: number;
}

class Segment {
  private table = new Uint32Array(FIRST_CAPACITY * STRIDE);
  private capacity = FIRST_CAPACITY;
  private used = 0;
  private readonly owner: CallWindows;

  constructor(owner: CallWindows) {
    this.owner = owner;
  }

  get bytes(): number {
    return this.table.byteLength;
  }

  get size(): number {
    return this.used;
  }

  /** Where the entry of this hash stands; made when there is none. */
  at({ a, b }: KeyHash, step: number): number {
    let at = this.find(a, b);
    if (this.table[at] !== 0) return at;
    if (this.used >= this.capacity * FULL) {
      this.rebuild(step);
      at = this.find(a, b);
    }
    this.table[at] = a;
    this.table[at + 1] = b;
    this.used++;
    return at;
  }

  get(at: number, field: number): number {
    return this.table[at + field]!;
  }

  set(at: number, field: number, value: number): void {
    this.table[at + field] = value;
  }

  /** Drops what no longer counts; grows when that leaves too little room. */
  rebuild(step: number): void {
    const { table, capacity } = this;
    const live: number[] = [];
    for (let at = 0; at < capacity * STRIDE; at += STRIDE) {
      if (table[at] === 0) continue;
      if (isLive(table[at + LAST]!, step) || table[at + LEASED] !== 0) live.push(at);
      else this.owner.dropList(table[at + LIST]!);
    }
    while (live.length >= this.capacity * FULL * FULL) this.capacity = Math.ceil(this.capacity * GROWTH);
    while (this.capacity > FIRST_CAPACITY && live.length < this.capacity * 0.2)
      this.capacity = Math.max(FIRST_CAPACITY, Math.ceil(this.capacity / GROWTH));
    this.table = new Uint32Array(this.capacity * STRIDE);
    this.used = live.length;
    for (const from of live) {
      const to = this.find(table[from]!, table[from + 1]!);
      for (let field = 0; field < STRIDE; field++) this.table[to + field] = table[from + field]!;
    }
  }

  *entries(): Generator<number> {
    for (let at = 0; at < this.capacity * STRIDE; at += STRIDE) if (this.table[at] !== 0) yield at;
  }

  hashAt(at: number): KeyHash {
    return { a: this.table[at]!, b: this.table[at + 1]! };
  }

  private find(a: number, b: number): number {
    const { table, capacity } = this;
    // The segment was chosen by `a`, so the place in it is by `b`.
    let place = b % capacity;
    for (;;) {
      const at = place * STRIDE;
      if (table[at] === 0 || (table[at] === a && table[at + 1] === b)) return at;
      place = place + 1 === capacity ? 0 : place + 1;
    }
  }
}

export class CallWindows {
  readonly segments: readonly Segment[] = Array.from({ length: SEGMENTS }, () => new Segment(this));
  private readonly lists: (List | undefined)[] = [];
  private readonly free: number[] = [];
  private listed = 0;

  get keys(): number {
    return this.segments.reduce((sum, { size }) => sum + size, 0);
  }

  /** Of the tables and the lists, as far as it can be known. */
  get bytes(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0) + this.listed * STEP_BYTES;
  }

  segmentOf({ a }: KeyHash): Segment {
    return this.segments[a % SEGMENTS]!;
  }

  /** Calls that count at `now`: all of the last 60 s, none older than 60.25 s unless there are too many keys at once. */
  countAt(segment: Segment, at: number, now: number): number {
    const step = stepOf(now);
    const list = this.lists[segment.get(at, LIST) - 1];
    if (list === undefined) {
      if (!isLive(segment.get(at, LAST), step)) segment.set(at, COUNT, 0);
      return segment.get(at, COUNT);
    }
    const { steps } = list;
    let gone = 0;
    while (list.head < steps.length && !isLive(steps[list.head]!, step)) {
      gone += steps[list.head + 1]!;
      list.head += 2;
      this.listed--;
    }
    if (gone > 0) segment.set(at, COUNT, segment.get(at, COUNT) - gone);
    if (list.head > 64 && list.head * 2 > steps.length) {
      list.steps = steps.slice(list.head);
      list.head = 0;
    }
    return segment.get(at, COUNT);
  }

  /** Adds a call. To be asked after `countAt` of the same `now`. */
  addAt(segment: Segment, at: number, now: number): void {
    const step = stepOf(now);
    const count = segment.get(at, COUNT);
    const last = segment.get(at, LAST);
    segment.set(at, LAST, step);
    segment.set(at, COUNT, count + 1);
    const place = segment.get(at, LIST);
    const list = this.lists[place - 1];
    if (list === undefined) {
      if (count === 0 || last === step || this.listed >= MAX_LISTED) return;
      segment.set(at, LIST, this.keep({ steps: [last, count, step, 1], head: 0 }));
      this.listed += LIST_STEPS + 2;
      return;
    }
    const { steps } = list;
    const end = steps.length;
    if (list.head === end) {
      // Nothing of it counts any more: the table alone says all.
      this.dropList(place);
      segment.set(at, LIST, 0);
    } else if (steps[end - 2] === step) steps[end - 1]!++;
    else if (this.listed >= MAX_LISTED) {
      steps[end - 2] = step;
      steps[end - 1]!++;
    } else {
      steps.push(step, 1);
      this.listed++;
    }
  }

  /** Milliseconds until so many of the calls that count now no longer do. */
  msUntilFree(segment: Segment, at: number, now: number, calls: number): number {
    const list = this.lists[segment.get(at, LIST) - 1];
    let step = segment.get(at, LAST);
    if (list !== undefined) {
      let freed = 0;
      for (let i = list.head; i < list.steps.length && freed < calls; i += 2) {
        step = list.steps[i]!;
        freed += list.steps[i + 1]!;
      }
    }
    return Math.max(1, (step + 1 + WINDOW_STEPS) * STEP_MS - now);
  }

  leasedAt(segment: Segment, at: number): number {
    return segment.get(at, LEASED);
  }

  setLeased(segment: Segment, at: number, calls: number): void {
    segment.set(at, LEASED, calls);
  }

  /** Milliseconds since the step of the latest call. */
  idleMs(segment: Segment, at: number, now: number): number {
    return now - segment.get(at, LAST) * STEP_MS;
  }

  /** Frees what a segment no longer needs. */
  tidy(segment: Segment, now: number): void {
    segment.rebuild(stepOf(now));
  }

  dropList(place: number): void {
    const list = this.lists[place - 1];
    if (list === undefined) return;
    this.listed -= LIST_STEPS + (list.steps.length - list.head) / 2;
    this.lists[place - 1] = undefined;
    this.free.push(place);
  }

  private keep(list: List): number {
    const place = this.free.pop() ?? this.lists.length + 1;
    this.lists[place - 1] = list;
    return place;
  }
}

export function stepOf(now: number): number {
  return Math.floor(now / STEP_MS);
}

function isLive(step: number, current: number): boolean {
  return step >= current - WINDOW_STEPS;
}
