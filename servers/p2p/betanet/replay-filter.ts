/**
 * Remembers which handshakes were seen, in bounded memory: two generations, the older dropped when the younger is full or old.
 * So the last `capacity` are always known, and any within `lifetimeMs`, unless more than that came.
 */
export class ReplayFilter {
  readonly #capacity: number;
  readonly #lifetimeMs: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #since = 0;

  constructor(capacity: number, lifetimeMs: number) {
    this.#capacity = capacity;
    this.#lifetimeMs = lifetimeMs;
  }

  /** True the first time, false for what was seen. */
  admit(value: Uint8Array, now: number): boolean {
    const key = Buffer.from(value).toString('latin1');
    if (this.#young.has(key) || this.#old.has(key)) return false;
    if (this.#young.size >= this.#capacity || now - this.#since >= this.#lifetimeMs) {
      this.#old = now - this.#since >= 2 * this.#lifetimeMs ? new Set() : this.#young;
      this.#young = new Set();
      this.#since = now;
    }
    this.#young.add(key);
    return true;
  }

  /** How many are remembered; at most twice the capacity. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
