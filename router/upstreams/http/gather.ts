/**
 * Owns the bytes of a text that comes in pieces. A text in one piece is not copied; many small pieces cost no more memory
 * than their bytes, so that one-byte chunks are no way to fill it. It sets no limit: who appends does.
 */
export class Gather {
  length = 0;
  private bytes: Buffer | undefined;
  /** False while `bytes` is the first piece itself, which belongs to the socket. */
  private owned = false;
  private expected: number;

  /** @param expected bytes of the whole text when known; 0 when not */
  constructor(expected = 0) {
    this.expected = expected;
  }

  /** The whole text will have so many bytes: room for all is made with the next piece. */
  expect(bytes: number): void {
    this.expected = bytes;
  }

  append(piece: Buffer): void {
    if (this.bytes === undefined) {
      this.bytes = piece;
      this.length = piece.length;
      return;
    }
    const length = this.length + piece.length;
    if (!this.owned || length > this.bytes.length) {
      const bigger = Buffer.allocUnsafeSlow(
        Math.max(this.expected, length, Math.min(2 * length, length + 8_388_608), 512),
      );
      this.bytes.copy(bigger, 0, 0, this.length);
      this.bytes = bigger;
      this.owned = true;
    }
    piece.copy(this.bytes, this.length);
    this.length = length;
  }

  /** The bytes so far, without letting go of them. */
  view(): Buffer {
    return this.bytes?.subarray(0, this.length) ?? Buffer.alloc(0);
  }

  /** The bytes so far; the gather is empty afterwards and never touches them again. */
  take(): Buffer {
    const taken = this.view();
    this.bytes = undefined;
    this.owned = false;
    this.length = 0;
    return taken;
  }
}
