/**
 * Many sockets of one process that waste a server's time: `node slow-sockets.ts PORT drip|body|silent COUNT TOKEN SESSION`. `drip` sends
 * a byte of a head every 5 s, `body` a byte of a body every second, `silent` nothing. Ends when the server has closed all of
 * them, or when its input ends, and prints what became of them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface SlowReport {
  readonly opened: number;
  readonly closed: number;
  /** From the opening of a socket to its end, the longest. */
  readonly slowestCloseMs: number;
}

export const SLOW_KINDS = ['drip', 'body', 'silent'] as const;
export type SlowKind = (typeof SLOW_KINDS)[number];

const SELF = fileURLToPath(import.meta.url);
const HEAD = 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ';
/** Opened at a time: a listener has a queue for so many that are not accepted yet. */
const AT_ONCE = 200;

export class SlowSockets {
  private readonly process: ChildProcess;
  private readonly report: Promise<string>;

  constructor(url: string, kind: SlowKind, count: number, token = '', session = '') {
    this.process = spawn(process.execPath, [SELF, new URL(url).port, kind, String(count), token, session], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.report = text(this.process.stdout!);
  }

  /** What became of them by the time that all are closed, or `ms` from now. */
  async end(ms: number): Promise<SlowReport> {
    const timer = setTimeout(() => this.process.stdin!.end(), ms);
    const report = JSON.parse(await this.report) as SlowReport;
    clearTimeout(timer);
    return report;
  }
}

async function run(port: number, kind: SlowKind, count: number, token: string, session: string): Promise<void> {
  const first =
    kind === 'silent'
      ? ''
      : kind === 'drip'
        ? HEAD
        : `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nMcp-Session-Id: ${session}\r\n` +
          'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 1000000\r\n\r\n';
  const open = new Set<net.Socket>();
  let opened = 0;
  let closed = 0;
  let slowestCloseMs = 0;
  const finish = (): void => {
    process.stdout.write(JSON.stringify({ opened, closed, slowestCloseMs }), () => process.exit());
  };
  process.stdin.on('end', finish).resume();
  const start = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        const since = performance.now();
        opened++;
        open.add(socket);
        socket.write(first);
        socket.once('close', () => {
          slowestCloseMs = Math.max(slowestCloseMs, performance.now() - since);
          open.delete(socket);
          if (++closed === count) finish();
        });
        resolve();
      });
      socket.on('error', () => resolve());
      socket.resume();
    });
  if (kind !== 'silent') {
    setInterval(
      () => {
        for (const socket of open) if (socket.writable) socket.write('x');
      },
      kind === 'drip' ? 5_000 : 1_000,
    );
  }
  for (let n = 0; n < count; n += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - n) }, start));
}

if (process.argv[1] === SELF) {
  const [port = '', kind = '', count = '', token = '', session = ''] = process.argv.slice(2);
  await run(Number(port), kind as SlowKind, Number(count), token, session);
}
