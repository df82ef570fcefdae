/**
 * Frames on a stream: four bytes of length, then that many bytes, with a bound on size and on time in both directions. Knows
 * nothing of what is in them.
 */
import type { Stream } from './node.ts';

/** The other side broke the framing: too long, or it ended in the middle of a frame. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export interface FramesOptions {
  readonly maxBytes: number;
  /** For one frame, read or written whole; a peer that reads or writes slower is given up. */
  readonly timeoutMs: number;
}

export interface Frames {
  /** The next frame; undefined when the other side ended between two. @throws FrameError, TimeoutError (DOMException) */
  read(): Promise<Uint8Array | undefined>;
  /** @throws FrameError when it is longer than allowed, TimeoutError when the other side does not read */
  write(frame: Uint8Array): Promise<void>;
  /** Ends our side, then the stream. */
  close(): Promise<void>;
  abort(error: Error): void;
}

const HEADER_BYTES = 4;

export function framesOn(stream: Stream, { maxBytes, timeoutMs }: FramesOptions): Frames {
  const source = stream[Symbol.asyncIterator]();
  let held = Buffer.alloc(0);

  const need = async (bytes: number, signal: AbortSignal): Promise<boolean> => {
    while (held.length < bytes) {
      const next = await orAborted(source.next(), signal);
      if (next.done === true) return false;
      held = Buffer.concat([held, next.value.subarray()]);
    }
    return true;
  };

  return {
    async read() {
      const signal = AbortSignal.timeout(timeoutMs);
      if (!(await need(HEADER_BYTES, signal))) {
        if (held.length > 0) throw new FrameError('the stream ended within a frame');
        return undefined;
      }
      const length = held.readUInt32BE(0);
      if (length > maxBytes)
        throw new FrameError(`expected a frame of at most ${maxBytes} bytes, got one of ${length}`);
      if (!(await need(HEADER_BYTES + length, signal))) throw new FrameError('the stream ended within a frame');
      const frame = held.subarray(HEADER_BYTES, HEADER_BYTES + length);
      held = Buffer.from(held.subarray(HEADER_BYTES + length));
      return frame;
    },
    async write(frame) {
      if (frame.length > maxBytes)
        throw new FrameError(`a frame has at most ${maxBytes} bytes, this one ${frame.length}`);
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32BE(frame.length);
      if (!stream.send(Buffer.concat([header, frame])))
        await stream.onDrain({ signal: AbortSignal.timeout(timeoutMs) });
    },
    async close() {
      await stream.close({ signal: AbortSignal.timeout(timeoutMs) });
    },
    abort: (error) => stream.abort(error),
  };
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
