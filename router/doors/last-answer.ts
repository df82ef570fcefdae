/**
 * Owns the last answer on a connection: to a request whose rest nobody will read, or that is no HTTP. A socket closed over
 * unread bytes is reset, and the reset takes the answer away from the client; so the rest is read and dropped, within bounds.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../../shared/errors.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { errorAnswer } from '../relay/receive.ts';

const MAX_DROPPED_BYTES = 32 * 1024 * 1024;
const MAX_LINGER_MS = 1_000;

/** Connections that got it, and how many bytes had come by then. */
const answered = new WeakMap<Duplex, number>();

/** Whether what still comes on this connection is no request any more. */
export function hasLastAnswer(socket: Duplex): boolean {
  return answered.has(socket);
}

/** Ends a response whose head is written: its body now, the connection when the client has sent the rest. */
export function endLast(request: IncomingMessage, response: ServerResponse, body: Octets): void {
  answered.set(request.socket, bytesRead(request.socket));
  let dropped = 0;
  const end = (): void => {
    clearTimeout(timer);
    request.off('data', drop);
    response.end();
  };
  const drop = (chunk: Buffer): void => {
    dropped += chunk.length;
    if (dropped > MAX_DROPPED_BYTES) end();
  };
  const timer = setTimeout(end, MAX_LINGER_MS);
  request.on('data', drop).once('end', end).once('close', end);
  // Complete by its Content-Length, so the client need not wait for the end.
  response.write(body, 'latin1');
  request.resume();
}

/** What node:http could not read: a head too large, framing that can be read in two ways, bytes that are no HTTP (D10). */
export function refuseBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  const readBefore = answered.get(socket);
  if (readBefore !== undefined) {
    // It comes again with each further chunk.
    if (bytesRead(socket) - readBefore > MAX_DROPPED_BYTES) socket.destroy();
    return;
  }
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  answered.set(socket, bytesRead(socket));
  const { status, body } = answerTo(error.code);
  answerOnSocket(socket, status, {}, body);
}

/** Answers where there is no response of node:http any more, and ends the connection. */
export function answerOnSocket(
  socket: Duplex,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Octets,
): void {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
      `Cache-Control: no-store\r\n${more.join('')}Connection: close\r\n\r\n${body}`,
    'latin1',
  );
  setTimeout(() => socket.destroy(), MAX_LINGER_MS).unref();
}

/** Made once: thousands of connections may be cut at a time. */
const answers = new Map<string | undefined, { readonly status: number; readonly body: Octets }>();

function answerTo(code: string | undefined): { readonly status: number; readonly body: Octets } {
  let made = answers.get(code);
  if (made === undefined) {
    const { status, error } = whatIsWrong(code);
    made = { status, body: errorAnswer('null', error) };
    answers.set(code, made);
  }
  return made;
}

function whatIsWrong(code: string | undefined): { status: number; error: AppError } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        error: new AppError('MESSAGE_TOO_LARGE', { text: 'The head of the request is too large' }),
      };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, error: new AppError('MESSAGE_TOO_LARGE', { text: 'The chunk extensions are too large' }) };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, error: new AppError('TIMEOUT', { text: 'The request did not arrive in time' }) };
    default:
      return { status: 400, error: new AppError('INVALID_REQUEST', { text: 'This is no HTTP/1.1 request' }) };
  }
}

function bytesRead(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesRead : 0;
}
