/** The SDK's own client at a router's doors, at the protocol version that a test names. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  isInitializeRequest,
  isJSONRPCResultResponse,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Village } from './village.ts';

export type Door = 'http' | 'sse' | 'websocket' | 'stdio';

export interface Connected {
  readonly client: Client;
  /** What the server answered to initialize. */
  readonly version: string;
}

/** What the client of `connect` answers when it is asked. */
export const ANSWERS = {
  sampling: { model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'sampled' } },
  elicitation: { action: 'accept' as const, content: { answer: 'elicited' } },
  roots: { roots: [{ uri: 'file:///a', name: 'a' }] },
};

/** A client that takes sampling, elicitation and roots, and asks for this version. */
export async function connect(
  village: Village,
  token: string,
  door: Door,
  version: string,
  path = '/mcp',
): Promise<Connected> {
  const client = new Client(
    { name: 'sdk-client', version: '1' },
    { capabilities: { sampling: {}, elicitation: {}, roots: { listChanged: true } } },
  );
  client.setRequestHandler(CreateMessageRequestSchema, () => ANSWERS.sampling);
  client.setRequestHandler(ElicitRequestSchema, () => ANSWERS.elicitation);
  client.setRequestHandler(ListRootsRequestSchema, () => ANSWERS.roots);
  const transport = transportTo(village, token, door, path);
  const heard = askFor(transport, version);
  await client.connect(transport);
  return { client, version: await heard };
}

/** Cast once: the SDK's transports do not fit its own interface under exactOptionalPropertyTypes. */
function transportTo(village: Village, token: string, door: Door, path: string): Transport {
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  if (door === 'stdio') return new StdioClientTransport({ ...village.stdioCommand(token), stderr: 'ignore' });
  if (door === 'websocket') return webSocketTo(village, token);
  if (door === 'sse') return new SSEClientTransport(new URL('/sse', village.url), { requestInit });
  return new StreamableHTTPClientTransport(new URL(path, village.url), { requestInit }) as Transport;
}

/** Node's WebSocket takes headers too; the SDK's transport, made for pages, has none to give. */
function webSocketTo({ url }: Village, token: string): Transport {
  const transport = new WebSocketClientTransport(new URL('/ws', url.replace('http', 'ws')));
  const start = transport.start.bind(transport);
  transport.start = () => {
    const { WebSocket: plain } = globalThis;
    globalThis.WebSocket = new Proxy(plain, {
      construct: (target, [address, protocols]: [URL, string]) =>
        new target(address, { protocols, headers: { authorization: `Bearer ${token}` } }),
    });
    try {
      return start();
    } finally {
      globalThis.WebSocket = plain;
    }
  };
  return transport;
}

/** The SDK's client asks for its newest version only: an older client's request is this one. */
function askFor(transport: Transport, protocolVersion: string): Promise<string> {
  const send = transport.send.bind(transport);
  transport.send = (message, options) =>
    send(
      isInitializeRequest(message) && 'id' in message
        ? { ...message, params: { ...message.params, protocolVersion } }
        : message,
      options,
    );
  return new Promise((resolve) => {
    const start = transport.start.bind(transport);
    transport.start = () => {
      const deliver = transport.onmessage;
      transport.onmessage = (message, extra) => {
        if (isJSONRPCResultResponse(message) && typeof message.result.protocolVersion === 'string')
          resolve(message.result.protocolVersion);
        deliver?.(message, extra);
      };
      return start();
    };
  });
}
