/**
 * Long work on the main thread in short pieces, with pauses for the calls in between. All such work of a process shares one
 * part of its time, however much there is of it: what servers list may be made to be slow (D04).
 */

/** A piece of work; then the others have three times as long. */
const PIECE_MS = 8;
const PAUSE_BY_PIECE = 3;

export class Background {
  private freeAt = 0;

  /** To be asked for each job anew. */
  begin(): Work {
    return new Work((ms) => this.pause(ms));
  }

  private async pause(pieceMs: number): Promise<void> {
    const now = performance.now();
    this.freeAt = Math.max(now, this.freeAt) + pieceMs * PAUSE_BY_PIECE;
    await new Promise((resolve) => setTimeout(resolve, this.freeAt - now));
  }
}

/** One job: it asks between its steps whether it was long enough at it. */
export class Work {
  private readonly wait: (pieceMs: number) => Promise<void>;
  private since = performance.now();
  private before = 0;

  constructor(wait: (pieceMs: number) => Promise<void>) {
    this.wait = wait;
  }

  get isLong(): boolean {
    return performance.now() - this.since > PIECE_MS;
  }

  /** Milliseconds of work in all pieces that ended. */
  get tookMs(): number {
    return this.before;
  }

  /** A piece begins. @param ms that it took before it got here */
  start(ms: number): void {
    this.since = performance.now() - ms;
  }

  /** The piece ends: the job waits for something else. */
  stop(): void {
    this.before += performance.now() - this.since;
  }

  /** Lets the others go on between two pieces. */
  async rest(): Promise<void> {
    this.stop();
    await this.wait(performance.now() - this.since);
    this.start(0);
  }
}
