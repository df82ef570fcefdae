/**
 * What an HTTP request must be before a session sees it: a local Host and Origin (DNS rebinding), one bearer token, a body
 * of bounded size that is valid JSON. Nothing here knows sessions or methods of MCP.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import { parseOctets, toOctets } from '../json/octets.ts';
import { JsonScanError, STRICT_LIMITS, scanArray, scanObject } from '../json/scan.ts';

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const BEARER = /^Bearer ([\w.~+/=-]{1,16384})$/i;

/**
 * Refuses a request that a web page elsewhere could have caused (MCP 2025-11-25, transports, "Security Warning").
 * @throws AppError SECURITY_VIOLATION
 */
export function checkOrigin(req: IncomingMessage): void {
  const hosts = req.headersDistinct.host ?? [];
  if (hosts.length !== 1 || !LOCAL_HOST.test(hosts[0]!)) {
    throw new AppError('SECURITY_VIOLATION', {
      text: 'The Host header must name this machine (127.0.0.1 or localhost)',
    });
  }
  const origins = req.headersDistinct.origin ?? [];
  if (!origins.every((origin) => LOCAL_ORIGIN.test(origin)) || origins.length > 1) {
    throw new AppError('SECURITY_VIOLATION', { text: 'Requests from web pages of other hosts are refused' });
  }
}

/** The token of the one Authorization header. Undefined when there is none, or more than one, or another scheme. */
export function bearerOf(req: IncomingMessage): string | undefined {
  const values = req.headersDistinct.authorization ?? [];
  return values.length === 1 ? BEARER.exec(values[0]!)?.[1] : undefined;
}

/**
 * The parsed body: one message, or an array of them.
 * @throws AppError PARSE_ERROR, MESSAGE_TOO_LARGE, INVALID_REQUEST
 */
export async function readJson(req: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (!/^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i.test(req.headers['content-type'] ?? '')) {
    throw new UnsupportedBody('The Content-Type must be application/json');
  }
  if ((req.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new UnsupportedBody('Compressed bodies are not taken');
  }
  const body = await readBody(req, maxBytes);
  if (!isUtf8(body)) throw new AppError('PARSE_ERROR');
  const text = toOctets(body);
  try {
    if (/^\s*\[/.test(text)) scanArray(text, STRICT_LIMITS);
    else scanObject(text, STRICT_LIMITS);
  } catch (cause) {
    if (!(cause instanceof JsonScanError)) throw cause;
    throw new AppError(cause.kind === 'syntax' ? 'PARSE_ERROR' : 'INVALID_REQUEST', { text: cause.message, cause });
  }
  return parseOctets(text);
}

async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new AppError('MESSAGE_TOO_LARGE', { text: `The message is larger than ${maxBytes} bytes` });
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** A body in a form that we do not take: HTTP 415. */
class UnsupportedBody extends AppError {
  constructor(text: string) {
    super('INVALID_REQUEST', { text });
  }
  override get httpStatus(): number {
    return 415;
  }
}

/** Answers with an error that belongs to no request id. */
export function sendError(res: ServerResponse, error: AppError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: null, error: error.toJsonRpc() });
  const status = error.httpStatus === 200 ? 400 : error.httpStatus;
  res.writeHead(status, {
    'content-type': 'application/json',
    // What was not read of the body must not be taken for the next request.
    connection: 'close',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  });
  res.end(body);
}
