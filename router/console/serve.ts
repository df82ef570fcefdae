/**
 * Serves the page of the console: the files that were built at installation, from memory, and no others. Its policy lets the page load
 * and reach nothing but this router. Who may see what is decided by the token that the page sends, not here.
 */
import fs from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Beside the sources, and within what was built. */
const BUILT = ['../../dist/console', '../../console'].map((place) => fileURLToPath(new URL(place, import.meta.url)));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');
const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};
/** Names of files in it change with their content. */
const FOREVER = 'public, max-age=31536000, immutable';

interface File {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

export class ConsolePage {
  private readonly files: ReadonlyMap<string, File>;

  /** @param folder of the built page; without it there is no console */
  constructor(folder: string | undefined = BUILT.find((each) => fs.existsSync(each))) {
    this.files = read(folder);
  }

  /** Answers when the path is one of the page's. */
  answer(request: IncomingMessage, response: ServerResponse, at: string): boolean {
    const file = this.files.get(at === '/' ? '/index.html' : at);
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    const isGzipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const body = isGzipped ? file.gzipped : file.plain;
    response.writeHead(200, {
      ...HEADERS,
      'content-type': file.type,
      'content-length': body.length,
      'cache-control': at.startsWith('/assets/') ? FOREVER : 'no-cache',
      vary: 'accept-encoding',
      ...(isGzipped && { 'content-encoding': 'gzip' }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  }
}

function read(folder: string | undefined): Map<string, File> {
  const files = new Map<string, File>();
  if (folder === undefined || !fs.existsSync(folder)) return files;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[path.extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = path.join(entry.parentPath, entry.name);
    const plain = fs.readFileSync(file);
    const name = `/${path.relative(folder, file).split(path.sep).join('/')}`;
    files.set(name, { type, plain, gzipped: gzipSync(plain, { level: 9 }) });
  }
  return files;
}
