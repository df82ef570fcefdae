/** A steady load of tool calls on kept-alive connections: so many a second, each answered when its server is done. */
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { JsonRpc, RawSession } from './raw-client.ts';

export interface Answered {
  /** performance.now() */
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly message: JsonRpc;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export class Load {
  readonly answers: Answered[] = [];
  inFlight = 0;
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1_000 });
  private readonly session: RawSession;
  private readonly maxInFlight: number;
  private readonly pending = new Set<Promise<void>>();
  private isOn = true;
  private readonly running: Promise<void>;
  private next = 1;

  /** @param maxInFlight calls are left out beyond that: a machine that is too slow gets less, not a queue */
  constructor(session: RawSession, perSecond: number, maxInFlight: number, call: (n: number) => ToolCall) {
    this.session = session;
    this.maxInFlight = maxInFlight;
    this.running = this.run(perSecond, call);
  }

  /** Starts no more calls and waits for those in flight. */
  async end(): Promise<void> {
    this.isOn = false;
    await this.running;
    await Promise.all(this.pending);
    this.agent.destroy();
  }

  private async run(perSecond: number, call: (n: number) => ToolCall): Promise<void> {
    const since = performance.now();
    for (let started = 0; this.isOn; ) {
      const due = ((performance.now() - since) / 1_000) * perSecond;
      for (; started < due && this.isOn; started++) {
        if (this.inFlight < this.maxInFlight) this.start(call(started));
      }
      await wait(2);
    }
  }

  private start(params: ToolCall): void {
    const one = this.send(params).finally(() => {
      this.inFlight--;
      this.pending.delete(one);
    });
    this.inFlight++;
    this.pending.add(one);
  }

  private send(params: ToolCall): Promise<void> {
    const { hostname, port } = new URL(this.session.url);
    const body = JSON.stringify({ jsonrpc: '2.0', id: this.next++, method: 'tools/call', params });
    const sentAt = performance.now();
    return new Promise((resolve, reject) => {
      const request = http.request(
        { hostname, port, method: 'POST', path: this.session.path, headers: this.session.headers, agent: this.agent },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => {
            const json = text.startsWith('{') ? text : text.slice(text.lastIndexOf('data: ') + 6);
            const message = JSON.parse(json) as JsonRpc;
            const { name: tool, arguments: args } = params;
            this.answers.push({ sentAt, answeredAt: performance.now(), tool, args, message });
            resolve();
          });
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }
}
