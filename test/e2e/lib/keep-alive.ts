/** Posts with connections kept open: for tests that send thousands of messages. */
import http from 'node:http';
import { type JsonRpc, messagesOf, type RawSession } from './raw-client.ts';

export class Poster {
  private readonly agent: http.Agent;

  /** @param connections at a time */
  constructor(connections: number) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  }

  /** All messages of the answer. */
  post(session: RawSession, body: string): Promise<JsonRpc[]> {
    const { hostname, port } = new URL(session.url);
    return new Promise((resolve, reject) => {
      const request = http.request(
        { hostname, port, method: 'POST', path: session.path, headers: session.headers, agent: this.agent },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const whole = Buffer.concat(parts);
            const { statusCode: status = 0, headers } = response;
            resolve(messagesOf({ status, headers, body: whole, text: whole.toString('utf8') }));
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
