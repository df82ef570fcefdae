/** A libp2p stream in the form that a link works on. The only file here that knows how libp2p's streams behave. */
import type { Stream } from '@libp2p/interface';
import type { LinkStream } from './network.ts';

/** What may arrive while we do not read; more resets the stream. Twice the window of one circuit. */
const MAX_UNREAD_BYTES = 1_048_576;

export function linkStream(stream: Stream): LinkStream {
  stream.maxReadBufferLength = MAX_UNREAD_BYTES;
  const isOpen = () => stream.status === 'open' || stream.status === 'closing';
  return {
    send: (bytes) => stream.send(bytes),
    listen({ data, drain, closed }) {
      stream.addEventListener('drain', drain);
      stream.addEventListener('close', closed);
      // A neighbour that only half closes has nothing more to say, and a circuit needs both directions.
      stream.addEventListener('remoteCloseWrite', closed);
      stream.addEventListener('message', (event) => {
        const bytes = event.data;
        data(bytes instanceof Uint8Array ? bytes : bytes.subarray());
      });
    },
    pause() {
      if (isOpen() && stream.readStatus === 'readable') stream.pause();
    },
    resume() {
      if (isOpen() && stream.readStatus === 'paused') stream.resume();
    },
    async close() {
      if (!isOpen()) return;
      const gone = new Promise<void>((resolve) => stream.addEventListener('close', () => resolve(), { once: true }));
      await stream.close().catch(() => stream.abort(new Error('the stream did not close')));
      await gone;
    },
    abort: () => stream.abort(new Error('the circuit ended')),
  };
}
