/**
 * An MCP client over Streamable HTTP that sends exactly what a test says and gives back exactly what came: no SDK between the
 * test and the wire.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import { until } from './until.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  readonly timeoutMs?: number;
}

/** One HTTP request on a connection of its own. */
export function send(url: string, request: RawRequest = {}): Promise<RawAnswer> {
  const { method = 'POST', path = '/mcp', headers = {}, body, timeoutMs = 20_000 } = request;
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = http.request(
      { hostname, port, method, path, headers: headers as http.OutgoingHttpHeaders, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const whole = Buffer.concat(parts);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            text: whole.toString('utf8'),
          });
        });
        response.on('error', reject);
      },
    );
    sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

export interface JsonRpc {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Record<string, unknown> };
}

/** The JSON-RPC messages of an answer, whichever form it has. */
export function messagesOf({ headers, text }: RawAnswer): JsonRpc[] {
  if (text === '') return [];
  if (!String(headers['content-type']).startsWith('text/event-stream')) return [JSON.parse(text)].flat() as JsonRpc[];
  return text
    .split('\n\n')
    .map((event) =>
      event
        .split('\n')
        .flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
        .join('\n'),
    )
    .filter((data) => data !== '')
    .map((data) => JSON.parse(data) as JsonRpc);
}

export const POST_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** One session of one agent. */
export class RawSession {
  readonly url: string;
  readonly path: string;
  readonly token: string;
  readonly id: string;
  readonly initialized: Record<string, unknown>;
  private nextId = 1;

  private constructor(url: string, path: string, token: string, id: string, initialized: Record<string, unknown>) {
    this.url = url;
    this.path = path;
    this.token = token;
    this.id = id;
    this.initialized = initialized;
  }

  static async open(
    url: string,
    token: string,
    {
      path = '/mcp',
      version = '2025-11-25',
      capabilities = {},
    }: { path?: string; version?: string; capabilities?: object } = {},
  ): Promise<RawSession> {
    const params = { protocolVersion: version, capabilities, clientInfo: { name: 'raw-client', version: '1' } };
    const answer = await send(url, {
      path,
      headers: { ...POST_HEADERS, authorization: `Bearer ${token}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
    });
    const id = answer.headers['mcp-session-id'];
    const [message] = messagesOf(answer);
    if (typeof id !== 'string' || message?.result === undefined)
      throw new Error(`initialize: ${answer.status} ${answer.text}`);
    const session = new RawSession(url, path, token, id, message.result);
    await session.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return session;
  }

  /** What the audit calls it. */
  get publicId(): string {
    return createHash('sha256').update(this.id).digest('base64url').slice(0, 22);
  }

  get headers(): Record<string, string> {
    return { ...POST_HEADERS, authorization: `Bearer ${this.token}`, 'mcp-session-id': this.id };
  }

  /** Posts a message, or a text as it is. */
  post(message: object | string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const body = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    return send(this.url, { path: this.path, headers: { ...this.headers, ...headers }, body });
  }

  /** Sends a request; gives its answer and what came before it. */
  async request(
    method: string,
    params?: object,
    id: unknown = this.nextId++,
  ): Promise<JsonRpc & { before: JsonRpc[] }> {
    const messages = messagesOf(
      await this.post({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }),
    );
    const answer = messages.find((message) => message.id === id && message.method === undefined);
    if (answer === undefined) throw new Error(`${method}: no answer among ${JSON.stringify(messages)}`);
    return { ...answer, before: messages.filter((message) => message !== answer) };
  }

  call(name: string, args: object = {}, meta?: object): Promise<JsonRpc & { before: JsonRpc[] }> {
    return this.request('tools/call', { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) });
  }

  /** Waits until the list has this name: its server may still be starting. */
  async listed(name: string, method?: string, member?: string, key?: string): Promise<this> {
    await until(`${name} is listed`, async () => (await this.names(method, member, key)).includes(name), 20_000);
    return this;
  }

  /** The names of a list, all pages of it. */
  async names(method = 'tools/list', member = 'tools', key = 'name'): Promise<string[]> {
    const names: string[] = [];
    let cursor: unknown;
    do {
      const { result } = await this.request(method, cursor === undefined ? {} : { cursor });
      const items = (result?.[member] ?? []) as Record<string, string>[];
      names.push(...items.map((item) => item[key]!));
      cursor = result?.nextCursor;
    } while (cursor !== undefined);
    return names;
  }

  /** The names of the tools once these are among them: servers start beside the router, and a busy machine takes its time. */
  async namesOnceThere(...wanted: string[]): Promise<string[]> {
    const until = performance.now() + 20_000;
    for (;;) {
      const names = await this.names();
      if (wanted.every((name) => names.includes(name))) return names;
      if (performance.now() > until) throw new Error(`${wanted.join()} not among ${names.join()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  close(): Promise<RawAnswer> {
    return send(this.url, { method: 'DELETE', path: this.path, headers: this.headers });
  }
}

/** The text of a tool's result. */
export function textOf(answer: JsonRpc): string {
  const content = answer.result?.content as { text?: string }[] | undefined;
  return content?.map(({ text }) => text ?? '').join('') ?? '';
}
