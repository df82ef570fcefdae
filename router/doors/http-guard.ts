/**
 * What every HTTP request must show before anything else is looked at: one of each deciding header, a Host that is ours, an
 * Origin that is allowed (MCP, "DNS rebinding"; S7, D08), and a bearer token in the one place where tokens belong (A01).
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../shared/errors.ts';

export interface GuardOptions {
  /** The address that we listen on: no name that somebody else could point at us. */
  readonly host: string;
  /** Further values of Host: a name for any port, or a name with its port; loopback names always. */
  readonly allowedHosts: readonly string[];
  /** Origins (`https://host[:port]`) of pages that may call; loopback pages always. */
  readonly allowedOrigins: readonly string[];
}

/** Headers that decide something and may stand once; of Authorization shared/identity/bearer.ts sees to it. */
const ONCE = new Set([
  'host',
  'origin',
  'content-type',
  'content-encoding',
  'mcp-session-id',
  'mcp-protocol-version',
  'last-event-id',
]);
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
/** Those of them that say where a request comes from and goes to: two answers to that are a refused one. */
const SITE = new Set(['host', 'origin']);
const HOST = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/;

/** Where the request ends can be read in two ways: what follows on its connection is nobody's (D10, RFC 9112 §6.1). */
export class FramingRefusal extends AppError {
  constructor() {
    super('INVALID_REQUEST', { text: 'The body must be framed by Content-Length, or by "chunked" alone, in HTTP/1.1' });
  }
}

export class HttpGuard {
  private readonly hosts: ReadonlySet<string>;
  private readonly origins: ReadonlySet<string>;
  /** Host headers that passed: a handful, and asked at each call. */
  private readonly passed = new Set<string>();

  constructor(options: GuardOptions) {
    const own = options.host.includes(':') ? `[${options.host}]` : options.host;
    this.hosts = new Set([...LOOPBACK, own, ...options.allowedHosts].map((host) => host.toLowerCase()));
    this.origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase()));
  }

  /** Throws AppError FORBIDDEN, INVALID_REQUEST; FramingRefusal. */
  check(request: IncomingMessage): void {
    const { headers, rawHeaders } = request;
    checkFraming(request);
    if (isAnyDoubled(request)) refuseDoubled(rawHeaders, headers);
    this.checkHost(headers.host);
    if (headers.origin !== undefined) this.checkOrigin(headers.origin);
    if (!request.url!.startsWith('/'))
      throw new AppError('FORBIDDEN', { text: 'Ask for a path, not for a whole address' });
  }

  private checkHost(host: string | undefined): void {
    if (host !== undefined && this.passed.has(host)) return;
    const name = HOST.exec(host ?? '')?.[1]?.toLowerCase();
    if (host === undefined || name === undefined || !(this.hosts.has(name) || this.hosts.has(host.toLowerCase()))) {
      throw new AppError('FORBIDDEN', {
        text: 'The Host header names no address of this router; see MCP_ALLOWED_HOSTS',
      });
    }
    if (this.passed.size < 100) this.passed.add(host);
  }

  private checkOrigin(origin: string): void {
    const lower = origin.toLowerCase();
    if (this.origins.has(lower)) return;
    const match = /^https?:\/\/(.*)$/.exec(lower);
    const name = match === null ? undefined : HOST.exec(match[1]!)?.[1];
    if (name === undefined || !LOOPBACK.has(name)) {
      throw new AppError('FORBIDDEN', { text: 'Pages of this Origin may not call; see MCP_ALLOWED_ORIGINS' });
    }
  }
}

/** Whether any header stands twice: node:http has put its values together, or dropped one, under one name. */
export function isAnyDoubled({ headers, rawHeaders }: IncomingMessage): boolean {
  return Object.keys(headers).length * 2 !== rawHeaders.length;
}

function refuseDoubled(rawHeaders: readonly string[], headers: IncomingMessage['headers']): void {
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (ONCE.has(rawHeaders[i]!.toLowerCase())) seen++;
  for (const name of ONCE) if (headers[name] !== undefined) seen--;
  if (seen === 0) return;
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  const isSite = names.some((name, i) => SITE.has(name) && names.indexOf(name) !== i);
  throw new AppError(isSite ? 'FORBIDDEN' : 'INVALID_REQUEST', {
    text: 'A header that decides something stands twice',
  });
}

/** What node:http lets through: several transfer codings, one in an old version, and no version at all. */
function checkFraming({ headers, httpVersion }: IncomingMessage): void {
  const coding = headers['transfer-encoding'];
  if (httpVersion === '1.1' && (coding === undefined || coding.toLowerCase() === 'chunked')) return;
  if (httpVersion !== '1.0' || coding !== undefined) throw new FramingRefusal();
}
