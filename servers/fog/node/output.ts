/** Keeps what a run prints: a job's from the beginning up to its limit, a shard's last lines. Knows no process. */

export interface Output {
  /** @returns false as soon as there is more than may be kept, when that is a fault */
  take(stream: 'stdout' | 'stderr', bytes: Uint8Array): boolean;
  text(stream: 'stdout' | 'stderr'): string;
  /** The last of both streams in the order in which they came. */
  tail(maxBytes: number): string;
  readonly isTruncated: boolean;
}

interface Piece {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

/** @param keep `first`: more than `maxBytes` is a fault; `last`: the oldest goes */
export function createOutput(maxBytes: number, keep: 'first' | 'last'): Output {
  const pieces: Piece[] = [];
  let held = 0;
  let isTruncated = false;

  return {
    take(stream, bytes) {
      if (keep === 'first') {
        const room = maxBytes - held;
        if (room > 0) pieces.push({ stream, bytes: bytes.slice(0, room) });
        held += Math.min(room, bytes.length);
        if (bytes.length > room) isTruncated = true;
        return !isTruncated;
      }
      pieces.push({ stream, bytes: bytes.length > maxBytes ? bytes.slice(-maxBytes) : bytes });
      held += pieces.at(-1)!.bytes.length;
      while (held > maxBytes && pieces.length > 1) {
        held -= pieces.shift()!.bytes.length;
        isTruncated = true;
      }
      return true;
    },
    text: (wanted) => decode(pieces.filter(({ stream }) => stream === wanted).map(({ bytes }) => bytes)),
    tail(bytes) {
      const text = Buffer.concat(pieces.map((piece) => piece.bytes));
      return decode([text.subarray(Math.max(0, text.length - bytes))]);
    },
    get isTruncated() {
      return isTruncated;
    },
  };
}

function decode(pieces: readonly Uint8Array[]): string {
  return new TextDecoder().decode(Buffer.concat(pieces));
}
