/** Owns arrays of whole numbers that grow: the compact stuff that the index is made of. Knows nothing of words or passages. */

/** A `Uint32Array` that grows by half. Reads past `length` are undefined behaviour of the caller's. */
export class Uint32List {
  data: Uint32Array;
  length: number;

  constructor(initial: Uint32Array | number | undefined = 64) {
    this.data = typeof initial === 'number' ? new Uint32Array(initial) : initial;
    this.length = typeof initial === 'number' ? 0 : initial.length;
  }

  push(value: number): number {
    if (this.length === this.data.length) this.#grow(this.length + 1);
    this.data[this.length] = value;
    return this.length++;
  }

  at(index: number): number {
    return this.data[index]!;
  }

  set(index: number, value: number): void {
    this.data[index] = value;
  }

  /** Makes `length` at least `length`; what is new is 0. */
  extend(length: number): void {
    if (length > this.data.length) this.#grow(length);
    if (length > this.length) this.length = length;
  }

  /** The values, without the spare room. */
  view(): Uint32Array {
    return this.data.subarray(0, this.length);
  }

  #grow(least: number): void {
    const larger = new Uint32Array(Math.max(least, Math.ceil(this.data.length * 1.5), 64));
    larger.set(this.data);
    this.data = larger;
  }
}

const FIRST_BLOCK = 2;
const LARGEST_BLOCK = 1024;
/** Words before a block's values: where the next block lies (0 = none), how many values it holds, how many it can hold. */
const NEXT = 0;
const USED = 1;
const ROOM = 2;
const HEADER = 3;

/**
 * Many lists of whole numbers in one pool: each list is a chain of blocks whose sizes double, so that a short list is small
 * and a long one is read in long runs. Values are read in the order in which they were added.
 */
export class Lists {
  readonly pool: Uint32List;
  readonly #first: Uint32List;
  readonly #last: Uint32List;

  constructor(saved?: SavedLists) {
    this.pool = new Uint32List(saved?.pool ?? 1024);
    if (!saved) this.pool.extend(1);
    this.#first = new Uint32List(saved?.first ?? 64);
    this.#last = new Uint32List(saved?.last ?? 64);
  }

  add(list: number, value: number): void {
    const { pool } = this;
    this.#first.extend(list + 1);
    this.#last.extend(list + 1);
    let block = this.#last.at(list);
    if (block === 0) {
      block = this.#block(FIRST_BLOCK);
      this.#first.set(list, block);
      this.#last.set(list, block);
    } else if (pool.at(block + USED) === pool.at(block + ROOM)) {
      const next = this.#block(Math.min(pool.at(block + ROOM) * 2, LARGEST_BLOCK));
      pool.set(block + NEXT, next);
      this.#last.set(list, next);
      block = next;
    }
    const used = pool.at(block + USED);
    pool.set(block + HEADER + used, value);
    pool.set(block + USED, used + 1);
  }

  /**
   * The runs of one list: `for (let run = lists.first(n); run !== 0; run = lists.next(run))`, each with its values in
   * `pool.data` from `lists.start(run)` to before `lists.end(run)`. Faster than a callback on long lists.
   */
  first(list: number): number {
    return list < this.#first.length ? this.#first.at(list) : 0;
  }

  next(run: number): number {
    return this.pool.at(run + NEXT);
  }

  start(run: number): number {
    return run + HEADER;
  }

  end(run: number): number {
    return run + HEADER + this.pool.at(run + USED);
  }

  /** Goes through one list until `found` says yes; whether it did. */
  some(list: number, found: (value: number) => boolean): boolean {
    for (let run = this.first(list); run !== 0; run = this.next(run)) {
      for (let at = this.start(run), end = this.end(run); at < end; at++) if (found(this.pool.at(at))) return true;
    }
    return false;
  }

  save(): SavedLists {
    return { pool: this.pool.view(), first: this.#first.view(), last: this.#last.view() };
  }

  #block(room: number): number {
    const at = this.pool.length;
    this.pool.extend(at + HEADER + room);
    this.pool.set(at + ROOM, room);
    return at;
  }
}

export interface SavedLists {
  readonly pool: Uint32Array;
  readonly first: Uint32Array;
  readonly last: Uint32Array;
}
