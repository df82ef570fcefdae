/** Owns a tree of rows of word numbers, in three arrays and a hash table of edges: a name is a node, 0 is the root. */
import { Uint32List } from './growable.ts';

export class Trie {
  readonly #parent: Uint32List;
  readonly #word: Uint32List;
  readonly #depth: Uint32List;
  /** Open addressing over edges: a cell holds the number of the child node, 0 = empty. */
  #table: Uint32Array;

  constructor(saved?: SavedTrie) {
    this.#parent = new Uint32List(saved?.parent ?? 64);
    this.#word = new Uint32List(saved?.word ?? 64);
    this.#depth = new Uint32List(saved?.depth ?? 64);
    this.#table = saved?.table ?? new Uint32Array(1024);
    if (!saved) this.#node(0, 0, 0);
  }

  get size(): number {
    return this.#parent.length;
  }

  /** The node below `parent` by `word`, or 0. */
  child(parent: number, word: number): number {
    const mask = this.#table.length - 1;
    for (let cell = hash(parent, word) & mask; ; cell = (cell + 1) & mask) {
      const node = this.#table[cell]!;
      if (node === 0 || (this.#parent.at(node) === parent && this.#word.at(node) === word)) return node;
    }
  }

  /** The node of the words `tokens[from … to)`, each taken `& mask`, made where it is missing. */
  enter(tokens: Uint32Array, from: number, to: number, mask: number): number {
    let node = 0;
    for (let at = from; at < to; at++) node = this.#step(node, tokens[at]! & mask);
    return node;
  }

  depth(node: number): number {
    return this.#depth.at(node);
  }

  /** The words from the root to the node. */
  path(node: number): number[] {
    const words: number[] = [];
    for (let at = node; at !== 0; at = this.#parent.at(at)) words.push(this.#word.at(at));
    return words.reverse();
  }

  save(): SavedTrie {
    return { parent: this.#parent.view(), word: this.#word.view(), depth: this.#depth.view(), table: this.#table };
  }

  #step(parent: number, word: number): number {
    const known = this.child(parent, word);
    if (known !== 0) return known;
    const node = this.#node(parent, word, this.#depth.at(parent) + 1);
    if (this.size * 2 > this.#table.length) this.#rehash();
    else this.#place(node);
    return node;
  }

  #node(parent: number, word: number, depth: number): number {
    this.#parent.push(parent);
    this.#word.push(word);
    return this.#depth.push(depth);
  }

  #place(node: number): void {
    const mask = this.#table.length - 1;
    let cell = hash(this.#parent.at(node), this.#word.at(node)) & mask;
    while (this.#table[cell] !== 0) cell = (cell + 1) & mask;
    this.#table[cell] = node;
  }

  #rehash(): void {
    this.#table = new Uint32Array(this.#table.length * 2);
    for (let node = 1; node < this.size; node++) this.#place(node);
  }
}

export interface SavedTrie {
  readonly parent: Uint32Array;
  readonly word: Uint32Array;
  readonly depth: Uint32Array;
  readonly table: Uint32Array;
}

function hash(parent: number, word: number): number {
  let h = Math.imul(parent, 0x9e37_79b1) ^ Math.imul(word + 1, 0x85eb_ca6b);
  h ^= h >>> 15;
  h = Math.imul(h, 0xc2b2_ae35);
  return (h ^ (h >>> 13)) >>> 0;
}
