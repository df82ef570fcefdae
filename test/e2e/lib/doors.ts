/**
 * One client for each of the router's doors, with the same words: what holds at one of them must hold at all. Sends exactly what a
 * test says. The stdio door is a router process of its own on the same data folder and configuration.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { type OldStream, openOldStream } from './old-stream.ts';
import { type JsonRpc, messagesOf, POST_HEADERS, RawSession, send } from './raw-client.ts';
import { LAUNCHER, type Village } from './village.ts';

export const DOORS = ['http', 'sse', 'websocket', 'stdio'] as const;
export type Door = (typeof DOORS)[number];

/** Also for a router process to start on a busy machine. */
const WAIT_MS = 60_000;

export abstract class DoorClient {
  private nextId = 1_000;

  /** Sends these bytes; gives the next message that is an answer, whatever its id. */
  abstract raw(text: string | Buffer): Promise<JsonRpc>;
  abstract close(): Promise<void>;

  async request(method: string, params: object = {}): Promise<JsonRpc> {
    const id = this.nextId++;
    const answer = await this.raw(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    if (answer.id !== id) throw new Error(`${method}: an answer with another id: ${JSON.stringify(answer)}`);
    return answer;
  }

  call(name: string, args: object = {}): Promise<JsonRpc> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** The names or URIs of a list, all pages. */
  async list(method: string, member: string, key: string): Promise<string[]> {
    const found: string[] = [];
    let cursor: unknown;
    do {
      const { result } = await this.request(method, cursor === undefined ? {} : { cursor });
      found.push(...((result?.[member] ?? []) as Record<string, string>[]).map((item) => item[key]!));
      cursor = result?.nextCursor;
    } while (cursor !== undefined);
    return found;
  }
}

export function openDoor(door: Door, village: Village, token: string, path = '/mcp'): Promise<DoorClient> {
  if (door === 'http') return HttpDoor.open(village, token, path);
  if (door === 'websocket') return WebSocketDoor.open(village, token);
  return door === 'sse' ? SseDoor.open(village, token) : StdioDoor.open(village, token);
}

class HttpDoor extends DoorClient {
  private readonly session: RawSession;

  private constructor(session: RawSession) {
    super();
    this.session = session;
  }

  static async open({ url }: Village, token: string, path: string): Promise<HttpDoor> {
    return new HttpDoor(await RawSession.open(url, token, { path }));
  }

  async raw(text: string | Buffer): Promise<JsonRpc> {
    const answers = messagesOf(await this.session.post(text)).filter(({ method }) => method === undefined);
    if (answers.length !== 1) throw new Error(`expected one answer, got ${JSON.stringify(answers)}`);
    return answers[0]!;
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

/** Doors where answers come on one channel, in the order of an inbox. */
abstract class ChannelDoor extends DoorClient {
  private readonly inbox: JsonRpc[] = [];
  private wake: () => void = () => {};

  protected abstract put(text: string | Buffer): Promise<void>;

  protected took(text: string): void {
    const message = JSON.parse(text) as JsonRpc;
    if (message.method !== undefined) return;
    this.inbox.push(message);
    this.wake();
  }

  protected async handshake(protocolVersion: string): Promise<void> {
    const clientInfo = { name: 'door', version: '1' };
    await this.request('initialize', { protocolVersion, capabilities: {}, clientInfo });
    await this.put('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  async raw(text: string | Buffer): Promise<JsonRpc> {
    await this.put(text);
    const until = performance.now() + WAIT_MS;
    for (;;) {
      const answer = this.inbox.shift();
      if (answer !== undefined) return answer;
      const left = until - performance.now();
      if (left <= 0) throw new Error(`no answer within ${WAIT_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** HTTP+SSE of 2024-11-05. */
class SseDoor extends ChannelDoor {
  private readonly url: string;
  private readonly token: string;
  private stream: OldStream | undefined;

  private constructor(url: string, token: string) {
    super();
    this.url = url;
    this.token = token;
  }

  static async open({ url }: Village, token: string): Promise<SseDoor> {
    const door = new SseDoor(url, token);
    door.stream = await openOldStream(url, token, (data) => door.took(data));
    await door.handshake('2024-11-05');
    return door;
  }

  protected async put(text: string | Buffer): Promise<void> {
    const headers = { ...POST_HEADERS, authorization: `Bearer ${this.token}` };
    const answer = await send(this.url, { path: this.stream!.path, headers, body: text });
    // What is refused before it is taken is answered in the POST itself.
    if (answer.status !== 202) this.took(answer.text);
  }

  async close(): Promise<void> {
    this.stream!.request.destroy();
  }
}

class WebSocketDoor extends ChannelDoor {
  private readonly ws: WebSocket;

  private constructor(ws: WebSocket) {
    super();
    this.ws = ws;
    ws.on('message', (data) => this.took(String(data)));
    ws.on('error', () => {});
  }

  static async open({ url }: Village, token: string): Promise<WebSocketDoor> {
    const ws = new WebSocket(`${url}/ws`, 'mcp', { headers: { authorization: `Bearer ${token}` } });
    await once(ws, 'open');
    const door = new WebSocketDoor(ws);
    await door.handshake('2025-11-25');
    return door;
  }

  protected async put(text: string | Buffer): Promise<void> {
    this.ws.send(text, { binary: false });
  }

  async close(): Promise<void> {
    if (this.ws.readyState === WebSocket.CLOSED) return;
    const gone = once(this.ws, 'close');
    this.ws.close();
    await gone;
  }
}

class StdioDoor extends ChannelDoor {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    super();
    this.child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => this.took(line));
    child.stderr!.resume();
    child.stdin!.on('error', () => {});
  }

  static async open({ env }: Village, token: string): Promise<StdioDoor> {
    const child = spawn(process.execPath, [LAUNCHER, 'router', '--stdio'], {
      env: { ...env, MCP_TOKEN: token },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const door = new StdioDoor(child);
    await door.handshake('2025-11-25');
    return door;
  }

  protected async put(text: string | Buffer): Promise<void> {
    this.child.stdin!.write(text);
    this.child.stdin!.write('\n');
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.stdin!.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), WAIT_MS);
    await gone;
    clearTimeout(timer);
  }
}
