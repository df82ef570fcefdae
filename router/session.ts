/** One client: who it is, what it can do, and everything of its that is under way. Doors make it, the relay uses it. */
import { createHash } from 'node:crypto';
import type { Caller } from '../shared/identity/caller.ts';
import type { Octets } from '../shared/json/octets.ts';
import type { Call } from './call.ts';
import type { LogLevel } from './relay/logging.ts';
import type { Peer } from './upstreams/peer.ts';

/** How a door reaches the client with what belongs to no call. */
export interface Outlet {
  send(message: Octets): void;
  /** True while a stream to the client is open. */
  readonly open: boolean;
  /**
   * Ends the streams that a token opened, or all with undefined: it no longer holds. What answers a call under way goes on:
   * the call is ended, and says so.
   */
  cut(tokenId: string | undefined): void;
  /** The session is over. */
  close(): void;
}

export interface ClientCapabilities {
  readonly sampling?: object | undefined;
  readonly roots?: { readonly listChanged?: boolean | undefined } | undefined;
  readonly elicitation?: { readonly form?: object | undefined; readonly url?: object | undefined } | undefined;
}

/** A request of a server that this client is asked to answer. */
export interface Question {
  readonly peer: Peer;
  /** The server's own id of it. */
  readonly id: Octets;
  /** The call of this client that it belongs to, and what lets its time run on. */
  readonly call: Call | undefined;
  readonly release: () => void;
  /** The server's own progress token in it. */
  readonly progressToken: Octets | undefined;
}

export interface SessionOptions {
  readonly id: string;
  readonly caller: Caller;
  /** The server id of `/mcp/<id>`; undefined on `/mcp`. */
  readonly endpoint: string | undefined;
  /** `approved`: a call of an approved proposal, made in its requester's name. */
  readonly door: 'http' | 'sse' | 'websocket' | 'stdio' | 'approved';
  readonly outlet: Outlet;
}

/** 132 bits. */
const PUBLIC_ID_CHARS = 22;

export class Session {
  /** Half a credential: goes to its client only. */
  readonly id: string;
  /** Names it in the audit and in logs, and opens nothing. */
  readonly publicId: string;
  readonly endpoint: string | undefined;
  readonly door: SessionOptions['door'];
  readonly outlet: Outlet;
  /** As its latest request proved; the same agent for the session's life. */
  caller: Caller;
  /** Negotiated; '' before initialize. */
  version = '';
  /** After notifications/initialized. */
  capabilities: ClientCapabilities = {};
  clientInfo: { readonly name: string; readonly version: string } | undefined;
  logLevel: LogLevel | undefined;
  /** In lean mode (R9) the tools that it lists beside those by which it finds them; undefined: it lists all. */
  loaded: Set<string> | undefined;
  /** Calls in flight by the client's own ids. */
  readonly calls = new Map<Octets, Call>();
  /** Requests to the client by our ids. */
  readonly questions = new Map<number, Question>();
  /** Resources it wants to hear of, and the id of each one's server. */
  readonly subscriptions = new Map<string, string>();
  /** Connections that its requests used. */
  readonly used = new Set<Peer>();
  /** performance.now() of its latest message. */
  lastUsedAt = performance.now();
  closed = false;
  private nextQuestion = 1;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.publicId = createHash('sha256').update(options.id).digest('base64url').slice(0, PUBLIC_ID_CHARS);
    this.endpoint = options.endpoint;
    this.door = options.door;
    this.outlet = options.outlet;
    this.caller = options.caller;
  }

  get agentId(): string {
    return this.caller.agentId;
  }

  takeQuestionId(): number {
    return this.nextQuestion++;
  }

  /** Sends what belongs to no call. */
  send(message: Octets): void {
    if (!this.closed) this.outlet.send(message);
  }
}
