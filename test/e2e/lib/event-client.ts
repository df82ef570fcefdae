/**
 * A stream of server-sent events as a test reads it: every event with its id and time, until the test cuts the socket or
 * stops reading.
 */
import http from 'node:http';
import type { JsonRpc, RawSession } from './raw-client.ts';
import { until } from './until.ts';

export interface Event {
  readonly id: string | undefined;
  /** Undefined for an event that only carries an id. */
  readonly message: JsonRpc | undefined;
  /** performance.now() */
  readonly at: number;
}

export class EventClient {
  readonly events: Event[] = [];
  /** Whole bytes so far. */
  text = '';
  isOver = false;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  private readonly response: http.IncomingMessage;

  private constructor(response: http.IncomingMessage) {
    this.response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      this.text += part;
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.read(block);
    });
    response.on('close', () => {
      this.isOver = true;
    });
    response.on('error', () => {});
  }

  /** The session's own stream, or the one that `lastEventId` names. */
  static get(session: RawSession, lastEventId?: string): Promise<EventClient> {
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return EventClient.open(session, 'GET', { accept: 'text/event-stream', ...resume });
  }

  /** Sends a message whose answer is read as it comes; it must come as a stream. */
  static post(session: RawSession, message: object): Promise<EventClient> {
    return EventClient.open(session, 'POST', {}, JSON.stringify(message));
  }

  /** The stream of the transport of 2024-11-05. */
  static sse(url: string, token: string): Promise<EventClient> {
    const headers = { authorization: `Bearer ${token}` };
    return EventClient.open({ url, path: '/sse', headers }, 'GET', { accept: 'text/event-stream' });
  }

  private static open(
    session: Pick<RawSession, 'url' | 'path' | 'headers'>,
    method: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<EventClient> {
    const { hostname, port } = new URL(session.url);
    return new Promise((resolve, reject) => {
      const request = http.request(
        { hostname, port, method, path: session.path, headers: { ...session.headers, ...headers }, agent: false },
        (response) => resolve(new EventClient(response)),
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  get messages(): JsonRpc[] {
    return this.events.flatMap(({ message }) => (message === undefined ? [] : [message]));
  }

  get lastEventId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }

  /** The first message that is so, waited for. */
  async message(what: string, is: (message: JsonRpc) => boolean, ms?: number): Promise<JsonRpc> {
    return until(`a message on the stream: ${what}; came ${this.text.slice(-1000)}`, () => this.messages.find(is), ms);
  }

  notified(method: string, ms?: number): Promise<JsonRpc> {
    return this.message(method, (message) => message.method === method, ms);
  }

  answer(id: unknown, ms?: number): Promise<JsonRpc> {
    return this.message(`the answer to ${String(id)}`, (m) => m.id === id && m.method === undefined, ms);
  }

  of(method: string): JsonRpc[] {
    return this.messages.filter((message) => message.method === method);
  }

  /** Breaks the connection without a word. */
  cut(): void {
    this.response.socket.destroy();
  }

  stopReading(): void {
    this.response.pause();
  }

  startReading(): void {
    this.response.resume();
  }

  private read(block: string): void {
    const fields = (name: string) =>
      block.split('\n').flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
    const [id] = fields('id');
    const data = fields('event')[0] === 'endpoint' ? '' : fields('data').join('\n');
    if (id === undefined && data === '') return;
    this.events.push({
      id,
      message: data === '' ? undefined : (JSON.parse(data) as JsonRpc),
      at: performance.now(),
    });
  }
}
