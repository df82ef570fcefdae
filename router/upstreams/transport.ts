/**
 * What a connection to one upstream must be able to do, whatever carries it: messages out, messages in. Framing, limits and
 * the process or socket belong to the transport; ids, pending calls and meaning do not.
 */
import type { Octets } from '../../shared/json/octets.ts';

export interface TransportEvents {
  /**
   * A message came. It is one whole JSON text within the size limit, not yet scanned.
   * @param carrier the id of our request whose own stream carried it (Streamable HTTP), if one did
   */
  onMessage(message: Octets, carrier: number | undefined): void;
  /** What came is no message and was skipped. `why` is for the log, in a few words. */
  onBadMessage(why: string): void;
  /** A request can no longer be answered, but the connection lives: an HTTP error, a result over the limit. */
  onRequestFailed(id: number, error: Error): void;
  /** The server ended the stream of a request and wants to be asked again after so long: it goes on with the call. */
  onPaused(id: number, retryMs: number): void;
  /** The connection is gone, once, after which nothing follows. `error` is for the log. */
  onClose(error: Error | undefined): void;
}

export interface Transport {
  /** Starts it; events may come as soon as this is called. Rejects when it cannot start. */
  start(events: TransportEvents): Promise<void>;
  /**
   * Sends one message. Throws AppError UPSTREAM_UNAVAILABLE when it is closed.
   * @param requestId our id, when the message is a request: where answers travel on streams of their own
   */
  send(message: Octets, requestId?: number): void;
  /**
   * Nobody waits for this request any more (it timed out, or was cancelled and the other side told so): it is not sent if
   * it has not been, and what it holds is let go. No onRequestFailed follows; a late answer may.
   */
  abandon?(requestId: number): void;
  /** Called once with the negotiated version, after initialize (Streamable HTTP sends it as a header). */
  setProtocolVersion?(version: string): void;
  /** True while more was sent than the other side has taken in: hold back. */
  readonly congested: boolean;
  /** Bytes that were sent and have not left this process, where that can be told. */
  readonly unsentBytes?: number;
  /** Takes in nothing more, or as little as it can, until `resume`: what came waits for its clients. */
  pause?(): void;
  resume?(): void;
  /** Ends what it started at once, without asking it to end by itself. */
  kill?(): void;
  /** Ends it and everything it started. */
  close(): Promise<void>;
}
