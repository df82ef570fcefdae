/**
 * Owns the bound on what waits in this process for all clients together that do not read. When it is too much, those are cut
 * off that have not taken theirs for longest: each may have its own two megabytes, but not thousands of them at once (D09).
 */

/** Bytes that wait for all clients. */
const MAX_BYTES = 8 * 1024 * 1024;
/** What a carrier adds to a message. */
const FRAMES_BYTES = 4_096;
/** Nobody is cut off for a single message before this: the largest takes its time. */
const GRACE_MS = 10_000;

/** What is written to one client: a response, say. */
export interface Queue {
  /** Bytes that were written and have not left. */
  readonly writableLength: number;
  /** Cuts the client off. */
  destroy(): unknown;
}

interface Behind {
  bytes: number;
  /** On the clock of `now`. */
  readonly since: number;
  /** More came on top of what it had not taken. */
  isFull: boolean;
}

export class Backlog {
  /** Those that have not taken everything, in the order of since when. */
  private readonly behind = new Map<Queue, Behind>();
  private bytes = 0;
  private readonly now: () => number;

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number) {
    this.now = now;
  }

  /** So many bytes were written to this client. May cut it off, or others. */
  wrote(queue: Queue, bytes: number): void {
    const isFull = queue.writableLength - bytes > FRAMES_BYTES;
    this.look(queue);
    if (isFull) this.behind.get(queue)!.isFull = true;
    if (this.bytes <= MAX_BYTES) return;
    // What left meanwhile nobody told: looked at again, and only what is still there counts.
    for (const each of this.behind.keys()) this.look(each);
    const now = this.now();
    for (const [each, { since, isFull }] of this.behind) {
      if (this.bytes <= MAX_BYTES) return;
      if (!isFull && now - since < GRACE_MS) continue;
      this.forget(each);
      each.destroy();
    }
  }

  /** Its connection is gone. */
  forget(queue: Queue): void {
    this.bytes -= this.behind.get(queue)?.bytes ?? 0;
    this.behind.delete(queue);
  }

  private look(queue: Queue): void {
    const queuedBytes = queue.writableLength;
    const before = this.behind.get(queue);
    if (queuedBytes === 0) {
      if (before !== undefined) this.forget(queue);
      return;
    }
    this.bytes += queuedBytes - (before?.bytes ?? 0);
    if (before === undefined) this.behind.set(queue, { bytes: queuedBytes, since: this.now(), isFull: false });
    else before.bytes = queuedBytes;
  }
}
