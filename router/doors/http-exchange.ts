/**
 * The answer of one POST: JSON when nothing precedes it, a stream of events as soon as something does, or when it takes so
 * long that the client should know that it is under way, and be able to resume.
 */
import type { ServerResponse } from 'node:http';
import type { Octets } from '../../shared/json/octets.ts';
import type { Exchange } from '../call.ts';
import type { Holding } from '../upstreams/undelivered.ts';
import { deliver } from './deliver.ts';
import type { EventStream } from './event-stream.ts';
import type { SessionStreams } from './session-streams.ts';

/** No server keeps a client from asking again for longer. */
const MAX_RETRY_MS = 60_000;

export class HttpExchange implements Exchange {
  /** performance.now() when it began. */
  readonly since = performance.now();
  private readonly response: ServerResponse;
  private readonly streams: SessionStreams;
  private readonly onAnswered: (exchange: HttpExchange) => void;
  private stream: EventStream | undefined;

  constructor(response: ServerResponse, streams: SessionStreams, onAnswered: (exchange: HttpExchange) => void) {
    this.response = response;
    this.streams = streams;
    this.onAnswered = onAnswered;
  }

  get streaming(): boolean {
    return this.stream !== undefined;
  }

  openStream(): EventStream {
    this.stream ??= this.streams.forCall(this.response);
    return this.stream;
  }

  send(message: Octets): void {
    this.openStream().send(message);
  }

  /** Only a client of 2025-11-25 is sure to have an event id to come back with. */
  pause(retryMs: number): void {
    if (this.streams.priming) this.openStream().pause(Math.min(retryMs, MAX_RETRY_MS));
  }

  /** For clients that go by headers; those of the protocol read `data.retryAfterMs`. */
  retryAfter(ms: number): void {
    if (!this.response.headersSent) this.response.setHeader('Retry-After', Math.ceil(ms / 1000));
  }

  answer(message: Octets | undefined, holding?: Holding): void {
    this.onAnswered(this);
    if (message === undefined) {
      holding?.release();
      this.streams.end(this.openStream());
    } else if (this.stream !== undefined) {
      this.stream.send(message, holding);
      this.streams.end(this.stream);
    } else if (holding === undefined) answerJson(this.response, 200, message);
    else {
      writeJsonHead(this.response, 200, message);
      deliver(this.response, message, holding);
    }
  }
}

/** One write for head and body: node:http joins them when the body is a string in latin1. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body: Octets,
  headers?: Record<string, string>,
): void {
  writeJsonHead(response, status, body, headers);
  response.end(body, 'latin1');
}

/** The head of an answer whose body will be `body`. Names in lower case, so that those of `headers` replace ours. */
export function writeJsonHead(
  response: ServerResponse,
  status: number,
  body: Octets,
  headers?: Record<string, string>,
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    ...headers,
  });
}
