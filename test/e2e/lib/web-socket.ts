/** A WebSocket to a router as a test says it, with what came and how it ended; and the status of one that was refused. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import type { JsonRpc } from './raw-client.ts';
import type { Village } from './village.ts';

export interface Ended {
  readonly code: number;
  readonly reason: string;
  /** performance.now() */
  readonly at: number;
}

export interface OpenOptions extends ClientOptions {
  readonly protocols?: readonly string[];
  readonly path?: string;
}

export class Connection {
  readonly ws: WebSocket;
  readonly messages: JsonRpc[] = [];
  readonly ended: Promise<Ended>;
  private readonly wakes = new Set<() => void>();
  private nextId = 1;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('error', () => {});
    ws.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as JsonRpc);
      for (const wake of this.wakes) wake();
    });
    this.ended = new Promise((resolve) => {
      ws.on('close', (code, reason) => resolve({ code, reason: String(reason), at: performance.now() }));
    });
  }

  /** Waits for a message that is so. */
  async heard(isIt: (message: JsonRpc) => boolean): Promise<JsonRpc> {
    for (;;) {
      const found = this.messages.find(isIt);
      if (found !== undefined) return found;
      let wake: () => void = () => {};
      const next = new Promise<'next'>((resolve) => {
        wake = () => resolve('next');
        this.wakes.add(wake);
      });
      const ended = await Promise.race([next, this.ended]);
      this.wakes.delete(wake);
      if (ended !== 'next') throw new Error(`it ended with ${ended.code} ${ended.reason} before`);
    }
  }

  notify(method: string, params: object = {}): void {
    this.ws.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  async request(method: string, params: object = {}): Promise<JsonRpc> {
    const id = this.nextId++;
    this.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return this.heard((message) => message.id === id && message.method === undefined);
  }

  call(name: string, args: object = {}): Promise<JsonRpc> {
    return this.request('tools/call', { name, arguments: args });
  }

  close(): Promise<Ended> {
    this.ws.close();
    return this.ended;
  }
}

function dial(
  { url }: Pick<Village, 'url'>,
  { protocols = ['mcp'], path = '/ws', ...options }: OpenOptions,
): WebSocket {
  return new WebSocket(`${url}${path}`, [...protocols], options);
}

export function bearer(token: string): OpenOptions {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** Opens one that is a session: initialized. */
export async function openWebSocket(village: Pick<Village, 'url'>, options: OpenOptions): Promise<Connection> {
  const ws = dial(village, options);
  await once(ws, 'open');
  const connection = new Connection(ws);
  const clientInfo = { name: 'web-socket', version: '1' };
  await connection.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  connection.notify('notifications/initialized');
  return connection;
}

/** The answer to a request for a WebSocket that is refused. Rejects when it is not. */
export function refusalOf(
  village: Pick<Village, 'url'>,
  options: OpenOptions,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  const ws = dial(village, options);
  return new Promise((resolve, reject) => {
    ws.on('error', () => {});
    ws.on('open', () => {
      ws.terminate();
      reject(new Error('it was opened'));
    });
    ws.on('unexpected-response', (_, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
  });
}
