/**
 * One direction of one hop: what is sealed here with a number is opened there with the same number, once, in order. A byte that
 * was changed, a cell left out, repeated or moved does not open, and nothing opens after it.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { CircuitError } from './cell.ts';

export const TAG_BYTES = 16;
const NONCE_BYTES = 12;
/** Far below where ChaCha20-Poly1305 weakens, and below 2^32, so that the counter never wraps. */
const MAX_CELLS = 2 ** 31;
const ALGORITHM = 'chacha20-poly1305';
const OPTIONS = { authTagLength: TAG_BYTES };

/** The number of the next cell is its nonce; both sides count for themselves, so it is never sent. */
class Counter {
  readonly #nonce = Buffer.alloc(NONCE_BYTES);
  #next = 0;

  /** @throws CircuitError when the key is used up */
  take(): Buffer {
    if (this.#next >= MAX_CELLS) throw new CircuitError('limits', 'the keys of this circuit are used up');
    this.#nonce.writeUInt32LE(this.#next, 4);
    this.#next += 1;
    return this.#nonce;
  }

  end(): void {
    this.#next = MAX_CELLS;
  }
}

export class LayerSealer {
  readonly #key: KeyObject;
  readonly #counter = new Counter();

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Writes cipher text and tag into `target` from `at`: TAG_BYTES more than `plain`. */
  sealInto(target: Buffer, at: number, plain: Uint8Array): void {
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#counter.take(), OPTIONS);
    target.set(cipher.update(plain), at);
    cipher.final();
    target.set(cipher.getAuthTag(), at + plain.length);
  }
}

export class LayerOpener {
  readonly #key: KeyObject;
  readonly #counter = new Counter();

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** @throws CircuitError `integrity`; from then on always */
  open(sealed: Buffer): Buffer {
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#counter.take(), OPTIONS);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      this.#counter.end();
      throw new CircuitError('integrity', 'a cell was altered, left out, repeated or moved');
    }
    return plain;
  }
}
