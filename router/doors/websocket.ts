/**
 * MCP over WebSocket at `/ws`, subprotocol `mcp` (P8): a connection is a session and ends with it. A text frame is a message. The
 * request was looked at already: guard and token are those of HTTP.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { TOKEN_NOTIFICATION } from '../../shared/client/router-link.ts';
import { AppError, toAppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { refused } from '../../shared/identity/refusal.ts';
import { type Octets, toOctets } from '../../shared/json/octets.ts';
import type { Exchange } from '../call.ts';
import { held } from '../limits/slow-down.ts';
import { parseParams, readClientMessage } from '../message.ts';
import { errorAnswer } from '../relay/receive.ts';
import { receiveText } from '../relay/receive-text.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { recordRefusal } from './record-refusal.ts';
import { CLOSE, WebSocketConnection } from './websocket-connection.ts';
import { SUBPROTOCOL } from './websocket-token.ts';

export const WEBSOCKET_PATH = '/ws';
const MAX_CONNECTIONS = 1_000;
/** All connections are looked at so often; those that are ending at each tick. */
const CHECK_MS = 250;

const renewalSchema = z.looseObject({ token: z.string().min(1).max(16_384) });

export class WebSocketDoor {
  private readonly router: Router;
  private readonly maxConnections: number;
  private readonly server: WebSocketServer;
  private readonly connections = new Set<WebSocketConnection>();
  private readonly stopTimer: () => void;
  private checkedAt = 0;

  constructor(router: Router, maxConnections = MAX_CONNECTIONS) {
    this.router = router;
    this.maxConnections = maxConnections;
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: router.settings.maxMessageBytes,
      // A few bytes could become the largest message; and what is secret must not be packed with what a stranger chose.
      perMessageDeflate: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.stopTimer = router.timer.add((now) => this.tick(now));
  }

  /** Throws AppError RATE_LIMITED when there are too many; then the socket is as it was. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller): void {
    this.router.limits.refusePaused(caller.agentId);
    if (this.connections.size >= this.maxConnections) {
      throw new AppError('RATE_LIMITED', {
        text: `At most ${this.maxConnections} WebSockets may be open; close some or try later`,
        data: { retryAfterMs: 10_000 },
      });
    }
    // What it refuses, it answers itself: a handshake that is none.
    this.server.handleUpgrade(request, socket, head, (ws) => this.open(ws, socket as Socket, caller));
  }

  /** Ends all connections; what their calls still say may leave. */
  close(): void {
    for (const connection of this.connections) connection.end(CLOSE.goingAway, 'the router is shutting down');
    setTimeout(() => {
      this.stopTimer();
      for (const connection of this.connections) connection.check(Number.POSITIVE_INFINITY);
    }, CHECK_MS).unref();
  }

  private open(ws: WebSocket, socket: Socket, caller: Caller): void {
    const { settings, sessions } = this.router;
    const connection = new WebSocketConnection(ws, socket, {
      backlog: this.router.backlog,
      tokenId: caller.tokenId,
      heartbeatMs: settings.heartbeatMs,
      idleMs: settings.connectionTimeoutMs,
      isBusy: () => session.calls.size > 0,
    });
    ws.on('error', () => {});
    let session: Session;
    try {
      session = sessions.open({ caller, endpoint: undefined, door: 'websocket', outlet: connection });
    } catch (error) {
      ws.close(CLOSE.policy, toAppError(error).message);
      return;
    }
    this.connections.add(connection);
    const exchange: Exchange = {
      send: (message) => connection.write(message),
      // One that was told to wait is not read from meanwhile: it could send more than can be refused.
      retryAfter: () => {
        ws.pause();
        void held().then(() => ws.resume());
      },
      answer: (message, holding) => {
        if (message === undefined) holding?.release();
        else connection.write(message, holding);
      },
    };
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) connection.end(CLOSE.unsupported, 'messages are text');
      else if (connection.open) void this.receive(session, connection, toOctets(data), exchange);
    });
    ws.on('close', () => {
      this.connections.delete(connection);
      sessions.close(session, 'the client closed its WebSocket');
    });
  }

  private async receive(
    session: Session,
    connection: WebSocketConnection,
    text: Octets,
    exchange: Exchange,
  ): Promise<void> {
    connection.used();
    try {
      if (text.includes(TOKEN_NOTIFICATION) && (await this.renew(session, connection, text))) return;
      await receiveText(this.router, session, session.caller, text, exchange);
    } catch (error) {
      connection.write(errorAnswer('null', toAppError(error)));
    }
  }

  /**
   * A newer token of the same agent, so that a connection may outlive the token that opened it. Until it is taken, and when it is
   * refused, the old one stands. @returns false when the message is another
   */
  private async renew(session: Session, connection: WebSocketConnection, text: Octets): Promise<boolean> {
    const message = readClientMessage(text);
    if (message.kind !== 'notification' || message.method !== TOKEN_NOTIFICATION) return false;
    const params = renewalSchema.safeParse(parseParams(message));
    try {
      if (!params.success) throw refused('malformed', 'the notification holds no token');
      const caller = await this.router.identity.verify(params.data.token);
      if (caller.agentId !== session.agentId) throw refused('malformed', 'the newer token is of another agent');
      session.caller = caller;
      connection.tokenId = caller.tokenId;
    } catch (error) {
      recordRefusal(this.router, { method: TOKEN_NOTIFICATION, from: 'websocket' }, toAppError(error));
      throw error;
    }
    return true;
  }

  private tick(now: number): void {
    const isTimeForAll = now - this.checkedAt >= CHECK_MS;
    if (isTimeForAll) this.checkedAt = now;
    for (const connection of this.connections) if (isTimeForAll || connection.isEnding) connection.check(now);
  }
}
