/**
 * Each door of a router, byte for byte: a test gives the text of a request and gets the bytes of its answer, whatever frames
 * them on the way.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { Readable } from 'node:stream';
import { WebSocket } from 'ws';
import { POST_HEADERS, RawSession, send } from './raw-client.ts';
import type { Village } from './village.ts';

export const DOORS = ['http', 'http stream', 'sse', 'websocket', 'stdio'] as const;
export type DoorName = (typeof DOORS)[number];

export interface RawDoor {
  /** Sends a request as it is written and gives the next answer; what else comes is left out. */
  ask(text: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** Opens a session on `/mcp`, or what stands for it. */
export async function openDoor(village: Village, token: string, door: DoorName): Promise<RawDoor> {
  if (door === 'sse') return openSse(village, token);
  if (door === 'websocket') return openWebSocket(village, token);
  if (door === 'stdio') return openStdio(village, token);
  const session = await RawSession.open(village.url, token);
  const accept = door === 'http' ? POST_HEADERS.accept : 'text/event-stream, application/json';
  return {
    async ask(text) {
      const { headers, body } = await session.post(text, { accept });
      const isStream = String(headers['content-type']).startsWith('text/event-stream');
      // A slow answer comes as a stream anyway.
      if (!isStream && door === 'http stream') throw new Error(`the answer came as ${headers['content-type']}`);
      return isStream ? lastData(body) : body;
    },
    async close() {
      await session.close();
    },
  };
}

/** The bytes behind the last `data: ` line that has any. */
function lastData(body: Buffer): Buffer {
  const mark = Buffer.from('\ndata: {');
  const at = body.lastIndexOf(mark);
  if (at < 0) throw new Error(`no message in ${body.subarray(0, 500).toString('latin1')}`);
  const start = at + mark.length - 1;
  return body.subarray(start, body.indexOf(10, start));
}

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 'first',
  method: 'initialize',
  params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'raw-door', version: '1' } },
});
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

async function openSse({ url }: Village, token: string): Promise<RawDoor> {
  const authorization = `Bearer ${token}`;
  const { hostname, port } = new URL(url);
  const request = http.get({ hostname, port, path: '/sse', headers: { authorization, accept: 'text/event-stream' } });
  const [stream] = (await once(request, 'response')) as [http.IncomingMessage];
  const lines = new Lines(stream);
  const data = async (): Promise<Buffer> => {
    for (;;) {
      const line = await lines.next();
      if (line.subarray(0, 6).toString('latin1') === 'data: ') return line.subarray(6);
    }
  };
  const path = (await data()).toString('latin1');
  const post = async (text: string): Promise<void> => {
    const answer = await send(url, { path, headers: { ...POST_HEADERS, authorization }, body: text });
    if (answer.status !== 202) throw new Error(`${answer.status} ${answer.text}`);
  };
  const ask = async (text: string): Promise<Buffer> => {
    await post(text);
    return nextAnswer(data);
  };
  await ask(INITIALIZE);
  await post(INITIALIZED);
  return {
    ask,
    async close() {
      request.destroy();
    },
  };
}

async function openWebSocket({ url }: Village, token: string): Promise<RawDoor> {
  const ws = new WebSocket(`${url}/ws`, 'mcp', { headers: { authorization: `Bearer ${token}` } });
  await once(ws, 'open');
  const messages: Buffer[] = [];
  let wake: () => void = () => {};
  ws.on('message', (data: Buffer) => {
    messages.push(data);
    wake();
  });
  const next = async (): Promise<Buffer> => {
    for (;;) {
      const message = messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const ask = (text: string): Promise<Buffer> => {
    ws.send(text);
    return nextAnswer(next);
  };
  await ask(INITIALIZE);
  ws.send(INITIALIZED);
  return {
    ask,
    async close() {
      const gone = once(ws, 'close');
      ws.close();
      await gone;
    },
  };
}

async function openStdio(village: Village, token: string): Promise<RawDoor> {
  const { command, args, env } = village.stdioCommand(token);
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = new Lines(child.stdout);
  const ask = (text: string): Promise<Buffer> => {
    child.stdin.write(`${text}\n`);
    return nextAnswer(() => lines.next());
  };
  await ask(INITIALIZE);
  child.stdin.write(`${INITIALIZED}\n`);
  return {
    ask,
    async close() {
      const gone = once(child, 'exit');
      child.stdin.end();
      await gone;
    },
  };
}

/** Lists that changed are told at any time. */
async function nextAnswer(next: () => Promise<Buffer>): Promise<Buffer> {
  for (;;) {
    const message = await next();
    if (!message.subarray(0, 40).includes('"method":')) return message;
  }
}

/** Whole lines of a stream, without their ends. */
class Lines {
  private parts: Buffer[] = [];
  private readonly lines: Buffer[] = [];
  private wake: () => void = () => {};

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      let at = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, at)) {
        this.lines.push(Buffer.concat([...this.parts, chunk.subarray(at, end)]));
        this.parts = [];
        at = end + 1;
      }
      this.parts.push(chunk.subarray(at));
      this.wake();
    });
    stream.on('error', () => {});
  }

  async next(): Promise<Buffer> {
    for (;;) {
      const line = this.lines.shift();
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
