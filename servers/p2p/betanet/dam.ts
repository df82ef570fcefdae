/** Back-pressure between the two sides of a relay: a source is not read while its way out is full, and not for ever. */

import type { Link } from './link.ts';
import type { Clock } from './network.ts';
import type { Outlet } from './outlet.ts';

/** How long a neighbour may take nothing while cells for it wait. */
const STALLED_MS = 30_000;

export class Dam {
  readonly #clock: Clock;
  readonly #stalled: () => void;
  readonly #held = new Map<Link, () => void>();

  /** `stalled` is called when a source was held for too long. */
  constructor(clock: Clock, stalled: () => void) {
    this.#clock = clock;
    this.#stalled = stalled;
  }

  /** To be asked after each cell that went from `source` to `outlet`. */
  hold(source: Link, outlet: Outlet): void {
    if (!outlet.full || this.#held.has(source)) return;
    source.pause();
    this.#held.set(source, this.#clock.after(STALLED_MS, this.#stalled));
    outlet.onceReady(() => {
      this.#held.get(source)?.();
      this.#held.delete(source);
      source.resume();
    });
  }

  close(): void {
    for (const cancel of this.#held.values()) cancel();
    this.#held.clear();
  }
}
