/**
 * The transport to an upstream over Streamable HTTP (MCP 2025-03-26 and later): each message is a POST, answers come as JSON
 * or on its stream, the server's own messages on a stream of theirs. Owns the session; does not know what messages mean.
 */
import { AppError } from '../../shared/errors.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { answeredId } from './http/answers.ts';
import { Call, type CallOwner } from './http/call.ts';
import { HttpConnection, type HttpOptions } from './http/connection.ts';
import type { Headers } from './http/exchange.ts';
import { Note } from './http/note.ts';
import { mediaType } from './http/refusals.ts';
import { ServerStream, type StreamOwner } from './http/server-stream.ts';
import type { Transport, TransportEvents } from './transport.ts';

const DELETE_TIMEOUT_MS = 2_000;
/** Visible ASCII, as the specification has it; the bound is ours. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;

/** @throws AppError CONNECTION_FAILED when the URL or a header cannot be used */
export function streamableHttp(options: HttpOptions): Transport & Required<Pick<Transport, 'abandon'>> {
  return new StreamableHttpTransport(options);
}

class StreamableHttpTransport implements Transport, CallOwner, StreamOwner {
  readonly connection: HttpConnection;
  private readonly calls = new Map<number, Call>();
  private readonly serverStream = new ServerStream(this);
  private events: TransportEvents | undefined;
  private sessionId: string | undefined;
  private protocolVersion: string | undefined;
  private isStreamWanted = true;
  private isClosed = false;
  private ended: Promise<void> | undefined;

  constructor(options: HttpOptions) {
    this.connection = new HttpConnection(options);
  }

  get congested(): boolean {
    return this.connection.congested;
  }

  get hasSession(): boolean {
    return this.sessionId !== undefined;
  }

  /** Connects nothing: the first message does. */
  async start(events: TransportEvents): Promise<void> {
    this.events = events;
  }

  send(message: Octets, requestId?: number): void {
    if (this.isClosed || this.events === undefined) {
      throw new AppError('UPSTREAM_UNAVAILABLE', { text: 'The connection to the server is closed' });
    }
    if (requestId !== undefined) {
      const call = new Call(this, requestId);
      this.calls.set(requestId, call);
      call.post(message);
      return;
    }
    const onOutcome = (status: number | undefined, headers: Headers, error: Error | undefined): void => {
      this.connection.linger(exchange);
      this.onNoted(status, headers, error);
    };
    const exchange = this.connection.newExchange(new Note({ onOutcome }), false);
    this.connection.post(exchange, message, undefined);
  }

  pause(): void {
    this.connection.reads.holdBack(true);
  }

  resume(): void {
    this.connection.reads.holdBack(false);
  }

  abandon(requestId: number): void {
    const call = this.calls.get(requestId);
    this.calls.delete(requestId);
    call?.settle();
  }

  setProtocolVersion(version: string): void {
    if (this.protocolVersion !== undefined) return;
    this.protocolVersion = version;
    this.connection.addHeader('mcp-protocol-version', version);
  }

  close(): Promise<void> {
    return this.end(undefined, true);
  }

  takeSession(headers: Headers): void {
    const id = headers['mcp-session-id'];
    if (this.sessionId !== undefined || this.protocolVersion !== undefined || typeof id !== 'string') return;
    if (!SESSION_ID.test(id)) {
      this.connection.report('the server sent a session id that is not visible ASCII; it is ignored', {});
      return;
    }
    this.sessionId = id;
    this.connection.addHeader('mcp-session-id', id);
  }

  sessionLost(): void {
    void this.end(new AppError('CONNECTION_LOST', { text: 'The server forgot the session; it was restarted' }), false);
  }

  onMessage(message: Octets, call: Call, answers: number | undefined): void {
    if (answers !== undefined) this.abandon(answers);
    if (!this.isClosed) this.events?.onMessage(message, call.id);
  }

  onFailed(call: Call, error: AppError): void {
    this.calls.delete(call.id);
    if (!this.isClosed) this.events?.onRequestFailed(call.id, error);
  }

  onPaused(call: Call, retryMs: number): void {
    if (!this.isClosed) this.events?.onPaused(call.id, retryMs);
  }

  onServerMessage(message: Octets): void {
    const answers = answeredId(message);
    if (answers !== undefined) this.abandon(answers);
    if (!this.isClosed) this.events?.onMessage(message, undefined);
  }

  private onNoted(status: number | undefined, headers: Headers, error: Error | undefined): void {
    if (this.isClosed) return;
    if (status !== undefined && status >= 200 && status < 300) {
      // The first one taken after the version was agreed is notifications/initialized.
      if (this.protocolVersion === undefined || !this.isStreamWanted) return;
      this.isStreamWanted = false;
      this.serverStream.open();
    } else if (status === 404 && this.hasSession) this.sessionLost();
    else {
      this.connection.report('the server did not take a notification or an answer', {
        status,
        type: mediaType(headers['content-type']),
        cause: error?.message,
      });
    }
  }

  private end(error: Error | undefined, deleteSession: boolean): Promise<void> {
    if (this.ended !== undefined) return this.ended;
    this.isClosed = true;
    for (const call of this.calls.values()) call.end();
    this.calls.clear();
    this.serverStream.stop();
    this.ended = this.release(deleteSession);
    this.events?.onClose(error);
    return this.ended;
  }

  private async release(deleteSession: boolean): Promise<void> {
    if (deleteSession && this.hasSession) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, DELETE_TIMEOUT_MS);
        const onOutcome = (): void => {
          clearTimeout(timer);
          resolve();
        };
        this.connection.deleteSession(this.connection.newExchange(new Note({ onOutcome }), false), DELETE_TIMEOUT_MS);
      });
    }
    // Not from within a callback of the pool.
    await Promise.resolve();
    await this.connection.destroy();
  }
}
