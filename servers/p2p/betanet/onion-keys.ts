/**
 * This peer's onion keys: the one announced and the one before it, in memory only. What was sealed for a key that is gone cannot be
 * opened by anyone any more.
 */
import { newOnionKey, type OnionKey } from './keys.ts';

export const ROTATE_MS = 86_400_000;
/** As long as somebody may still hold the announcement of the old one. */
const GRACE_MS = 3_600_000;

export class OnionKeys {
  #current = newOnionKey();
  #previous: OnionKey | undefined;
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  get current(): OnionKey {
    return this.#current;
  }

  /** By the name that a handshake carries. */
  find(id: Buffer): OnionKey | undefined {
    if (id.equals(this.#current.id)) return this.#current;
    return this.#previous !== undefined && id.equals(this.#previous.id) ? this.#previous : undefined;
  }

  /** @returns whether there is a new key to announce */
  turn(now: number): boolean {
    const age = now - this.#since;
    if (age >= GRACE_MS) this.#previous = undefined;
    if (age < ROTATE_MS) return false;
    this.#previous = this.#current;
    this.#current = newOnionKey();
    this.#since = now;
    return true;
  }
}
