/**
 * Owns how many large answers of one server are read at the same time: each is gathered whole before it can be passed on, so
 * all of them at once cost the sum of their sizes. The others wait unread in their sockets.
 */

/** Octets of an answer from which on it counts as large. */
export const LARGE_READ_BYTES = 256 * 1024;
const MAX_AT_ONCE = 3;

export interface LargeRead {
  pauseReading(): void;
  /** Said once, also to one that was never paused: now it may make room for all of it. */
  startReading(): void;
}

export class LargeReads {
  private readonly reading = new Set<LargeRead>();
  private readonly waiting = new Set<LargeRead>();
  private isHeldBack = false;

  /** An answer turned out to be large; it waits when others are being read, or none may be. */
  enter(read: LargeRead): void {
    if (this.reading.has(read) || this.waiting.has(read)) return;
    if (this.mayRead) {
      this.reading.add(read);
      read.startReading();
    } else {
      this.waiting.add(read);
      read.pauseReading();
    }
  }

  /** It is read whole, or given up. */
  leave(read: LargeRead): void {
    const isKnown = this.reading.delete(read) || this.waiting.delete(read);
    if (isKnown) this.admit();
  }

  /** Clients do not take what was read: the large answers that are not begun stay where they are. */
  holdBack(isHeldBack: boolean): void {
    this.isHeldBack = isHeldBack;
    this.admit();
  }

  private get mayRead(): boolean {
    return !this.isHeldBack && this.reading.size < MAX_AT_ONCE;
  }

  private admit(): void {
    for (const read of this.waiting) {
      if (!this.mayRead) return;
      this.waiting.delete(read);
      this.reading.add(read);
      // undici parses one answer at a time: it must not be made to go on with one while it is within another.
      setImmediate(() => read.startReading());
    }
  }
}
