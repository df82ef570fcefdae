/**
 * Owns the bound on what all sessions together keep of streams that ended with a large answer: a client that lost such an
 * answer can fetch it again, but many of them are not kept at the price of everyone's memory. The oldest go first.
 */

/** Octets of large answers kept for all clients of this process. */
const MAX_BYTES = 8 * 1024 * 1024;

export class KeptAnswers {
  private bytes = 0;
  private readonly drops = new Map<object, { readonly bytes: number; readonly drop: () => void }>();

  /** Counts what `stream` keeps until it is let go; `drop` makes its session forget it. */
  add(stream: object, bytes: number, drop: () => void): void {
    this.drops.set(stream, { bytes, drop });
    this.bytes += bytes;
    for (const [oldest, kept] of this.drops) {
      if (this.bytes <= MAX_BYTES) return;
      this.remove(oldest);
      kept.drop();
    }
  }

  /** Its session forgot it. */
  remove(stream: object): void {
    const kept = this.drops.get(stream);
    if (kept === undefined) return;
    this.drops.delete(stream);
    this.bytes -= kept.bytes;
  }
}
