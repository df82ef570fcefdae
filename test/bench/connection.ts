/**
 * One HTTP/1.1 keep-alive connection on a raw socket, one request in flight on it. An ordinary client costs more CPU a call
 * than the routers measured with it. Knows no MCP; bodies are read as latin1, so their characters are bytes.
 */
import net from 'node:net';

export interface Reply {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  /** Chunks joined, no other decoding. */
  readonly body: string;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

const READ_BYTES = 64 * 1024;
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;
const CLOSES = /\r\nconnection: *close/i;
const LAST_CHUNK = '\r\n0\r\n\r\n';

export class Connection {
  /** When the request in flight was sent (performance.now()), or 0. */
  sentAt = 0;
  private readonly host: string;
  private readonly port: number;
  private readonly buffer = Buffer.allocUnsafe(READ_BYTES);
  private socket: net.Socket | undefined;
  private waiting: Waiting | undefined;
  private received = '';
  private bodyAt = -1;
  private bodyBytes = -1;

  constructor(url: URL) {
    this.host = url.hostname;
    this.port = Number(url.port);
  }

  /** False after the connection was lost, until the next request opens another. */
  get connected(): boolean {
    return this.socket !== undefined;
  }

  /** Sends a whole request, head and body in latin1. Rejects when the connection is lost before the reply is whole. */
  exchange(request: string): Promise<Reply> {
    this.socket ??= this.connect();
    this.received = '';
    this.bodyAt = -1;
    this.bodyBytes = -1;
    this.sentAt = performance.now();
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket!.write(request, 'latin1');
    });
  }

  /** Ends the connection; a request in flight is lost. */
  close(why = 'closed by the client'): void {
    const { socket, waiting } = this;
    this.socket = undefined;
    this.waiting = undefined;
    this.sentAt = 0;
    socket?.destroy();
    waiting?.reject(new Error(why));
  }

  private connect(): net.Socket {
    const socket = net.connect({
      host: this.host,
      port: this.port,
      noDelay: true,
      onread: {
        buffer: this.buffer,
        callback: (size) => {
          if (this.socket === socket) this.take(size);
          return true;
        },
      },
    });
    const lost = (error?: Error) => {
      if (this.socket === socket) this.close(error?.message ?? 'closed by the server');
    };
    socket.on('error', lost);
    socket.on('end', () => lost());
    socket.on('close', () => lost());
    return socket;
  }

  private take(size: number): void {
    if (this.waiting === undefined) {
      this.close('data without a request');
      return;
    }
    this.received += this.buffer.toString('latin1', 0, size);
    if (this.bodyAt < 0 && !this.readHead()) return;
    const whole =
      this.bodyBytes >= 0 ? this.received.length >= this.bodyAt + this.bodyBytes : this.received.endsWith(LAST_CHUNK);
    if (whole) this.finish();
  }

  private readHead(): boolean {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return false;
    this.bodyAt = end + 4;
    const head = this.received.slice(0, end + 2);
    const length = CONTENT_LENGTH.exec(head);
    if (length !== null) this.bodyBytes = Number(length[1]);
    else if (!CHUNKED.test(head)) this.bodyBytes = 0;
    return true;
  }

  private finish(): void {
    const { received, bodyAt, waiting } = this;
    const head = received.slice(0, bodyAt);
    const body = this.bodyBytes >= 0 ? received.slice(bodyAt) : joinChunks(received, bodyAt);
    this.waiting = undefined;
    this.sentAt = 0;
    if (CLOSES.test(head)) this.close();
    waiting!.resolve({ status: Number(head.slice(9, 12)), head, body });
  }
}

/** RFC 9112 section 7.1, without extensions and trailers. */
function joinChunks(received: string, from: number): string {
  let out = '';
  for (let at = from; ; ) {
    const line = received.indexOf('\r\n', at);
    const size = Number.parseInt(received.slice(at, line), 16);
    if (!(size > 0)) return out;
    out += received.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}
