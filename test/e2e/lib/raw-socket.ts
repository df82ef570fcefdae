/** Bytes on a socket and the bytes that come back: for requests that no HTTP client would send. */
import net from 'node:net';

export interface RawResponse {
  readonly status: number;
  /** As they came, in lower case. */
  readonly head: string;
  readonly body: string;
}

export interface RawExchange {
  readonly text: string;
  readonly responses: readonly RawResponse[];
  /** Whether the other side ended the connection. */
  readonly closed: boolean;
}

/**
 * Writes these bytes and reads until the other side closes, or says nothing more for `quietMs`.
 * @param parts each is written by itself, in order
 */
export function exchange(
  url: string,
  parts: string | Buffer | readonly (string | Buffer)[],
  quietMs = 3_000,
): Promise<RawExchange> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = net.connect(Number(port), hostname, () => {
      for (const part of [parts].flat()) socket.write(part);
    });
    const finish = (closed: boolean): void => {
      clearTimeout(quiet);
      socket.destroy();
      const text = Buffer.concat(received).toString('latin1');
      resolve({ text, responses: responsesIn(text), closed });
    };
    const quiet = setTimeout(() => finish(false), quietMs);
    socket.on('data', (chunk) => {
      received.push(chunk);
      quiet.refresh();
    });
    socket.on('end', () => finish(true));
    // A reset is an end too; what came before it counts.
    socket.on('error', () => finish(true));
  });
}

/** Splits by Content-Length; a response without one ends where the next begins. */
function responsesIn(text: string): RawResponse[] {
  const responses: RawResponse[] = [];
  let rest = text;
  for (;;) {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(rest)?.[1];
    const end = rest.indexOf('\r\n\r\n');
    if (status === undefined || end < 0) return responses;
    const head = rest.slice(0, end).toLowerCase();
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    responses.push({ status: Number(status), head, body: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
}
