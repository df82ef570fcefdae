/**
 * MCP over a WebSocket as pages have it (and Node): the token goes as a second subprotocol, since no header can be set. The SDK's own
 * transport shows none.
 */
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { NotSent } from '../shared/client/failure.ts';

const TOKEN_NOTIFICATION = 'notifications/io.aivillage/token';

export class WebSocketTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  private readonly url: URL;
  private readonly token: string;
  private socket: WebSocket | undefined;

  constructor(url: URL, token: string) {
    this.url = url;
    this.token = token;
  }

  start(): Promise<void> {
    const socket = new WebSocket(this.url, ['mcp', `bearer.${this.token}`]);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.take(String(data));
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      // A page is not told why; nothing of ours was sent.
      socket.onerror = () => reject(new NotSent('the WebSocket could not be opened'));
      socket.onclose = () => {
        reject(new NotSent('the WebSocket was closed'));
        this.onclose?.();
      };
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.socket?.readyState !== WebSocket.OPEN) throw new NotSent('the WebSocket is not open');
    this.socket.send(JSON.stringify(message));
  }

  /** A newer token, before the old one ends and the connection with it. */
  renew(token: string): Promise<void> {
    return this.send({ jsonrpc: '2.0', method: TOKEN_NOTIFICATION, params: { token } });
  }

  async close(): Promise<void> {
    this.socket?.close();
  }

  private take(text: string): void {
    try {
      this.onmessage?.(JSONRPCMessageSchema.parse(JSON.parse(text)));
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
