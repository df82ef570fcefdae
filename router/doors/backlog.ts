/**
 * Owns the bound on what waits in this process for all clients together that do not read. When it is too much, those are cut
 * off that have not taken theirs for longest: each may have its own two megabytes, but not thousands of them at once (D09).
 */

/** Bytes that wait for all clients. */
const MAX_BYTES = 8 * 1024 * 1024;

/** What is written to one client: a response, say. */
export interface Queue {
  /** Bytes that were written and have not left. */
  readonly writableLength: number;
  /** Cuts the client off. */
  destroy(): unknown;
}

export class Backlog {
  /** Those that have not taken everything, in the order of since when. */
  private readonly behind = new Map<Queue, number>();
  private bytes = 0;

  /** Something was written to this client. May cut it off, or others. */
  wrote(queue: Queue): void {
    this.look(queue);
    if (this.bytes <= MAX_BYTES) return;
    // What left meanwhile nobody told: looked at again, and only what is still there counts.
    for (const each of this.behind.keys()) this.look(each);
    for (const each of this.behind.keys()) {
      if (this.bytes <= MAX_BYTES) return;
      this.forget(each);
      each.destroy();
    }
  }

  /** Its connection is gone. */
  forget(queue: Queue): void {
    this.bytes -= this.behind.get(queue) ?? 0;
    this.behind.delete(queue);
  }

  private look(queue: Queue): void {
    const queuedBytes = queue.writableLength;
    const before = this.behind.get(queue);
    if (queuedBytes === 0) {
      if (before !== undefined) this.forget(queue);
      return;
    }
    this.bytes += queuedBytes - (before ?? 0);
    this.behind.set(queue, queuedBytes);
  }
}
