/** One MCP session over Streamable HTTP, as the bench needs it: opened, listed, called, closed, every reply checked. */
import type { Connection, Reply } from './connection.ts';

const PROTOCOL = '2025-11-25';
const SESSION_ID = /\r\nmcp-session-id: *([^\r]+)/i;

export interface ListedTool {
  readonly name: string;
}

interface RpcAnswer {
  readonly id?: unknown;
  readonly result?: {
    readonly protocolVersion?: string;
    readonly tools?: readonly ListedTool[];
    readonly nextCursor?: string;
    readonly isError?: boolean;
    readonly content?: readonly { readonly text?: string }[];
  };
  readonly error?: { readonly message: string };
}

export class ClientSession {
  private readonly url: URL;
  private readonly token: string;
  /** Starts at 1 in every session, so that a router which mixes sessions up is found out. */
  private nextId = 1;
  private head: string;
  private id: string | undefined;

  constructor(url: URL, token: string) {
    this.url = url;
    this.token = token;
    this.head = this.makeHead('');
  }

  /** Rejects when the server refuses, or answers without a session id. */
  async open(connection: Connection): Promise<void> {
    const clientInfo = { name: 'bench', version: '1.0.0' };
    const params = JSON.stringify({ protocolVersion: PROTOCOL, capabilities: {}, clientInfo });
    const id = this.nextId++;
    const reply = await connection.exchange(this.post(requestText(id, 'initialize', params)));
    const version = answerIn(reply, id).result?.protocolVersion;
    this.id = SESSION_ID.exec(reply.head)?.[1];
    if (version === undefined || this.id === undefined) throw new Error('initialize: no version or no session id');
    this.head = this.makeHead(`MCP-Protocol-Version: ${version}\r\nMcp-Session-Id: ${this.id}\r\n`);
    const noted = await connection.exchange(this.post('{"jsonrpc":"2.0","method":"notifications/initialized"}'));
    if (noted.status !== 202) throw new Error(`notifications/initialized: HTTP ${noted.status}`);
  }

  /** Calls the echo tool. Rejects unless exactly this text comes back under this call's id. */
  async call(connection: Connection, tool: string, text: string): Promise<void> {
    const id = this.nextId++;
    const params = `{"name":"${tool}","arguments":{"text":"${text}"}}`;
    const reply = await connection.exchange(this.post(requestText(id, 'tools/call', params)));
    const { result } = answerIn(reply, id);
    if (result?.isError === true || result?.content?.[0]?.text !== text) {
      throw new Error(`another answer than was asked for: ${reply.body.slice(0, 120)}`);
    }
  }

  /** All pages of `tools/list`. `milliseconds` is the time until the last one was read, without parsing. */
  async list(connection: Connection): Promise<{ tools: ListedTool[]; milliseconds: number }> {
    const tools: ListedTool[] = [];
    let milliseconds = 0;
    let cursor: string | undefined;
    do {
      const id = this.nextId++;
      const request = this.post(requestText(id, 'tools/list', JSON.stringify({ cursor })));
      const startedAt = performance.now();
      const reply = await connection.exchange(request);
      milliseconds += performance.now() - startedAt;
      const { result } = answerIn(reply, id);
      if (result?.tools === undefined) throw new Error('tools/list: no tools in the answer');
      tools.push(...result.tools);
      cursor = result.nextCursor;
    } while (cursor !== undefined);
    return { tools, milliseconds };
  }

  async close(connection: Connection): Promise<void> {
    if (this.id !== undefined) await connection.exchange(`DELETE ${this.head}\r\n`);
  }

  private makeHead(more: string): string {
    const { host, pathname } = this.url;
    return `${pathname} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${this.token}\r\n${more}`;
  }

  private post(body: string): string {
    return `POST ${this.head}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }
}

function requestText(id: number, method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
}

/** The one answer in a reply. Throws when there is none, another id's, or an error. */
function answerIn(reply: Reply, id: number): RpcAnswer {
  if (reply.status !== 200) throw new Error(`HTTP ${reply.status}: ${reply.body.slice(0, 120)}`);
  const answers = reply.body.startsWith('{') ? [parse(reply.body)] : eventsIn(reply.body);
  const own = answers.filter((answer) => answer.result !== undefined || answer.error !== undefined);
  if (own.length !== 1 || own[0]!.id !== id) throw new Error(`${own.length} answers, expected one with id ${id}`);
  if (own[0]!.error !== undefined) throw new Error(`error: ${own[0]!.error.message.slice(0, 120)}`);
  return own[0]!;
}

function eventsIn(body: string): RpcAnswer[] {
  const answers: RpcAnswer[] = [];
  for (const line of body.split('\n')) {
    const data = line.startsWith('data:') ? line.slice(5).trim() : '';
    if (data !== '') answers.push(parse(data));
  }
  return answers;
}

function parse(text: string): RpcAnswer {
  return JSON.parse(text) as RpcAnswer;
}
