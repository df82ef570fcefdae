/**
 * Owns how much of one server's large answers waits for the clients that asked for it. When it is too much the server is not
 * read from until some of it has left, so that the memory of the router does not grow with the number of slow clients.
 */

/** Octets from which on an answer is worth counting; smaller ones cost less than the counting saves. */
export const LARGE_BYTES = 64 * 1024;
/** Octets of large answers that may wait for the clients of one server. */
const MAX_BYTES = 8 * 1024 * 1024;

/** One large answer on its way to its client. */
export interface Holding {
  /** Since when (performance.now) the server is held back for what waits; undefined while it is read. */
  readonly heldBackSince: number | undefined;
  /** It has left, or will never: said once or more. */
  release(): void;
}

export interface Flow {
  pause(): void;
  resume(): void;
}

export class Undelivered {
  private readonly flow: Flow;
  private bytes = 0;
  private since: number | undefined;

  constructor(flow: Flow) {
    this.flow = flow;
  }

  /** The server is not read from, for what waits. */
  get isHeldBack(): boolean {
    return this.since !== undefined;
  }

  /** Counts an answer until it is released. */
  hold(bytes: number): Holding {
    this.bytes += bytes;
    if (this.bytes > MAX_BYTES && this.since === undefined) {
      this.since = performance.now();
      this.flow.pause();
    }
    let isHeld = true;
    const heldBackSince = () => this.since;
    return {
      get heldBackSince() {
        return heldBackSince();
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.bytes -= bytes;
        if (this.since === undefined || this.bytes > MAX_BYTES / 2) return;
        this.since = undefined;
        this.flow.resume();
      },
    };
  }
}
