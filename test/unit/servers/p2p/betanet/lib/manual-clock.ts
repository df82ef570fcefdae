/** A clock that goes only when told to, and then runs what is due in its order. */
import type { Clock } from '../../../../../../servers/p2p/betanet/network.ts';

export class ManualClock implements Clock {
  #now = 0;
  readonly #due = new Set<{ readonly at: number; readonly work: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, work: () => void): () => void {
    const entry = { at: this.#now + delayMs, work };
    this.#due.add(entry);
    return () => void this.#due.delete(entry);
  }

  /** What comes due runs at its own time, and what the streams then have to deliver is delivered. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#due.delete(next);
      this.#now = next.at;
      next.work();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** A few turns of the event loop, in which the wire of these tests delivers what is on it. */
export async function settle(turns = 30): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
