/**
 * The way out of a relay towards one neighbour: cells wait here for their mixing delay, in order, and a bound tells those who fill it
 * to stop. It seals nothing and opens nothing.
 */
import type { Link } from './link.ts';
import type { MixingTimes } from './mixing.ts';
import type { Clock } from './network.ts';

/** Cells that wait before the source is paused; one read more may come on top. */
const MAX_WAITING = 256;

export class Outlet {
  readonly #link: Link;
  readonly #times: MixingTimes;
  readonly #clock: Clock;
  readonly #queue: { readonly cell: Buffer; readonly leavesAt: number }[] = [];
  #timer: (() => void) | undefined;
  #ready: (() => void)[] = [];

  constructor(link: Link, times: MixingTimes, clock: Clock) {
    this.#link = link;
    this.#times = times;
    this.#clock = clock;
  }

  get full(): boolean {
    return this.#link.full || this.#queue.length >= MAX_WAITING;
  }

  push(cell: Buffer): void {
    const now = this.#clock.now();
    const leavesAt = this.#times.leavesAt(now);
    if (leavesAt <= now && this.#queue.length === 0) this.#link.send(cell);
    else {
      this.#queue.push({ cell, leavesAt });
      this.#schedule();
    }
  }

  /** Once, when there is room again; never when the link ends before. */
  onceReady(work: () => void): void {
    this.#ready.push(work);
    if (this.#link.full) this.#link.onceReady(() => this.#tellReady());
  }

  close(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#queue.length = 0;
    this.#ready = [];
  }

  #schedule(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#timer !== undefined) return;
    this.#timer = this.#clock.after(Math.max(0, first.leavesAt - this.#clock.now()), () => {
      this.#timer = undefined;
      this.#release();
    });
  }

  #release(): void {
    const now = this.#clock.now();
    let due = 0;
    // A timer may fire a fraction of a millisecond early.
    while (due < this.#queue.length && this.#queue[due]!.leavesAt <= now + 1) due += 1;
    for (const { cell } of this.#queue.splice(0, due)) this.#link.send(cell);
    this.#schedule();
    this.#tellReady();
  }

  #tellReady(): void {
    if (this.full) {
      if (this.#link.full) this.#link.onceReady(() => this.#tellReady());
      return;
    }
    const ready = this.#ready;
    this.#ready = [];
    for (const work of ready) work();
  }
}
