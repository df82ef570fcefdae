/**
 * An MCP server inside the test: plain HTTP, one JSON answer for each POST, no sessions. It lists what the test says, answers
 * everything with its own id, and keeps the bytes of every request, so that a test can say what reached it and what did not.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Listed {
  readonly tools?: readonly string[];
  readonly resources?: readonly string[];
  readonly templates?: readonly string[];
  readonly prompts?: readonly string[];
  /** What calls of a tool are answered with instead: `{result}` or `{error}`. */
  readonly answers?: ReadonlyMap<string, { readonly result: object } | { readonly error: object }>;
}

interface Message {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

const CAPABILITIES = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} };

export class RecordingServer {
  readonly id: string;
  /** The bodies that came, but for the handshake, the listings and the health checks. */
  readonly received: Buffer[] = [];
  private readonly listed: Listed;
  private readonly serverName: string;
  private readonly http: Server;

  private constructor(id: string, listed: Listed, serverName: string) {
    this.id = id;
    this.listed = listed;
    this.serverName = serverName;
    this.http = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.method === 'POST') this.take(Buffer.concat(chunks), response);
        else response.writeHead(405).end();
      });
    });
  }

  /** @param serverName what it says of itself in `serverInfo` */
  static async start(id: string, listed: Listed, serverName = id): Promise<RecordingServer> {
    const server = new RecordingServer(id, listed, serverName);
    await new Promise<void>((resolve) => server.http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** Its entry of `mcpServers`. */
  get entry(): { url: string } {
    return { url: `http://127.0.0.1:${(this.http.address() as AddressInfo).port}/mcp` };
  }

  /** The requests that came, by method and what they name. */
  requests(): string[] {
    return this.received.map((body) => {
      const { method, params } = JSON.parse(body.toString()) as Message;
      return `${method} ${String(params?.name ?? params?.uri ?? '')}`;
    });
  }

  close(): Promise<void> {
    this.http.closeAllConnections();
    return new Promise((resolve) => this.http.close(() => resolve()));
  }

  private take(body: Buffer, response: ServerResponse): void {
    const message = JSON.parse(body.toString()) as Message;
    if (message.id === undefined) {
      response.writeHead(202).end();
      return;
    }
    const housekeeping = this.housekeeping(message);
    if (housekeeping === undefined) this.received.push(body);
    const set = message.method === 'tools/call' ? this.listed.answers?.get(String(message.params?.name)) : undefined;
    const member = set ?? { result: housekeeping ?? this.answer(message) };
    const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...member });
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  }

  private housekeeping({ method, params }: Message): object | undefined {
    const { tools = [], resources = [], templates = [], prompts = [] } = this.listed;
    switch (method) {
      case 'initialize':
        return {
          protocolVersion: params?.protocolVersion,
          capabilities: CAPABILITIES,
          serverInfo: { name: this.serverName, version: '1' },
        };
      case 'ping':
        return {};
      case 'tools/list':
        return { tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })) };
      case 'resources/list':
        return { resources: resources.map((uri) => ({ uri, name: uri })) };
      case 'resources/templates/list':
        return { resourceTemplates: templates.map((uriTemplate) => ({ uriTemplate, name: uriTemplate })) };
      case 'prompts/list':
        return { prompts: prompts.map((name) => ({ name })) };
      default:
        return undefined;
    }
  }

  private answer({ method, params }: Message): object {
    const text = `${this.id} ${method} ${String(params?.name ?? params?.uri ?? '')}`;
    switch (method) {
      case 'tools/call':
        return { content: [{ type: 'text', text }] };
      case 'resources/read':
        return { contents: [{ uri: params?.uri, text }] };
      case 'prompts/get':
        return { messages: [{ role: 'user', content: { type: 'text', text } }] };
      case 'completion/complete':
        return { completion: { values: [text] } };
      default:
        return {};
    }
  }
}
