/**
 * Owns the bound on what all event streams together keep for clients that come back (P7): the more is kept, the less may one
 * stream keep. Knows no stream.
 */

/** Of one stream. */
const MAX_OF_STREAM = 1024 * 1024;
const LEAST_OF_STREAM = 16 * 1024;
/** Of all together; beyond, each keeps the least. */
const MAX_OF_ALL = 8 * 1024 * 1024;

export class KeptEvents {
  private bytes = 0;

  /** Bytes that one stream may keep now. */
  get maxOfStream(): number {
    return Math.max(LEAST_OF_STREAM, Math.min(MAX_OF_STREAM, (MAX_OF_ALL - this.bytes) / 4));
  }

  /** A stream keeps so much more, or less. */
  change(bytes: number): void {
    this.bytes += bytes;
  }
}
