/**
 * One WebSocket of one client: what is written to it, in order and only as fast as it is read, its heartbeat, and its end. Knows
 * no session and no MCP.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Octets } from '../../shared/json/octets.ts';
import type { Outlet } from '../session.ts';
import type { Holding } from '../upstreams/undelivered.ts';
import type { Backlog, Queue } from './backlog.ts';
import { MAX_STALL_MS, MAX_STALL_WHILE_HELD_BACK_MS, PIECE_BYTES } from './deliver.ts';

/** Bytes waiting for a client from which on it is cut off. */
const MAX_QUEUED_BYTES = 2 * 1024 * 1024;
/** From a ping to the last moment for a sign of life (P8). */
const PONG_TIMEOUT_MS = 10_000;
/** What answers calls that are ended with their token gets so long to leave. */
const CUT_MS = 250;
/** A client gets so long to answer our close. */
const CLOSE_MS = 500;

/** RFC 6455 §7.4.1. */
export const CLOSE = { goingAway: 1001, unsupported: 1003, policy: 1008 } as const;

export interface ConnectionOptions {
  /** Of the token that it stands on. */
  readonly tokenId: string;
  readonly heartbeatMs: number;
  /** Without messages, and not busy, for so long it is closed. */
  readonly idleMs: number;
  readonly backlog: Backlog;
  /** Calls are in flight. */
  readonly isBusy: () => boolean;
}

interface Waiting {
  readonly text: Octets;
  readonly holding: Holding | undefined;
}

export class WebSocketConnection implements Outlet, Queue {
  /** Of the newest token that the client showed. */
  tokenId: string;
  private readonly ws: WebSocket;
  private readonly socket: Socket;
  private readonly options: ConnectionOptions;
  /** What comes behind a message that is on its way in pieces. */
  private readonly waiting: Waiting[] = [];
  private waitingBytes = 0;
  private current: Waiting | undefined;
  /** performance.now() of each. */
  private movedAt = 0;
  private usedAt = performance.now();
  private beatAt = performance.now();
  private pingedAt: number | undefined;
  private cutAt: number | undefined;
  private closedAt: number | undefined;
  private bytesRead = 0;
  private isHeard = false;

  constructor(ws: WebSocket, socket: Socket, options: ConnectionOptions) {
    this.ws = ws;
    this.socket = socket;
    this.options = options;
    this.tokenId = options.tokenId;
    ws.on('pong', () => {
      this.isHeard = true;
    });
    ws.on('close', () => {
      this.drop();
      options.backlog.forget(this);
    });
  }

  /** Large answers do not count: their server is held back for them. */
  get writableLength(): number {
    return this.ws.bufferedAmount + this.waitingBytes;
  }

  destroy(): void {
    this.ws.terminate();
  }

  get open(): boolean {
    return this.ws.readyState === this.ws.OPEN && this.cutAt === undefined;
  }

  /** Its end has begun: somebody should look at each tick. */
  get isEnding(): boolean {
    return this.cutAt !== undefined || this.closedAt !== undefined;
  }

  /** The client sent something. */
  used(): void {
    this.usedAt = performance.now();
  }

  send(message: Octets): void {
    if (this.open) this.write(message);
  }

  /** Also after `cut`: what ends a call. @param holding released when the message has left, or never will */
  write(text: Octets, holding?: Holding): void {
    if (this.ws.readyState !== this.ws.OPEN) {
      holding?.release();
      return;
    }
    this.usedAt = performance.now();
    if (holding === undefined && this.writableLength > MAX_QUEUED_BYTES) {
      this.ws.terminate();
      return;
    }
    if (this.current === undefined && holding === undefined && text.length <= PIECE_BYTES) {
      this.ws.send(Buffer.from(text, 'latin1'), { binary: false });
      this.options.backlog.wrote(this, text.length);
      return;
    }
    this.waiting.push({ text, holding });
    if (holding === undefined) this.waitingBytes += text.length;
    if (this.current === undefined) this.next();
    if (holding === undefined) this.options.backlog.wrote(this, text.length);
  }

  cut(tokenId: string | undefined): void {
    if (tokenId === undefined || tokenId === this.tokenId) this.cutAt ??= performance.now();
  }

  close(): void {
    if (this.cutAt === undefined) this.end(CLOSE.goingAway, 'the session ended');
    else this.end(CLOSE.policy, 'the token no longer holds');
  }

  end(code: number, why: string): void {
    if (this.closedAt !== undefined) return;
    this.closedAt = performance.now();
    this.ws.close(code, why);
    this.drop();
  }

  /** Looks whether the client lives, reads, and is still wanted. @param now performance.now() */
  check(now: number): void {
    const { ws, options } = this;
    if (this.closedAt !== undefined) {
      if (now - this.closedAt > CLOSE_MS) ws.terminate();
      return;
    }
    if (this.cutAt !== undefined && (!options.isBusy() || now - this.cutAt > CUT_MS)) {
      this.end(CLOSE.policy, 'the token no longer holds');
    } else if (this.isStalled(now) || this.isSilent(now)) {
      ws.terminate();
    } else if (now - this.usedAt > options.idleMs && !options.isBusy()) {
      this.end(CLOSE.goingAway, 'idle');
    }
  }

  private isStalled(now: number): boolean {
    if (this.current === undefined) return false;
    const since = this.current.holding?.heldBackSince;
    const isHeldUp = since !== undefined && now - Math.max(this.movedAt, since) > MAX_STALL_WHILE_HELD_BACK_MS;
    return isHeldUp || now - this.movedAt > MAX_STALL_MS;
  }

  /** Any byte is a sign of life: a long message that is on its way lets no pong through. */
  private isSilent(now: number): boolean {
    const { bytesRead } = this.socket;
    const isHeard = this.isHeard || bytesRead !== this.bytesRead;
    this.isHeard = false;
    this.bytesRead = bytesRead;
    if (isHeard) this.pingedAt = undefined;
    if (this.pingedAt !== undefined) return now - Math.max(this.pingedAt, this.movedAt) > PONG_TIMEOUT_MS;
    if (now - this.beatAt < this.options.heartbeatMs) return false;
    this.beatAt = now;
    this.pingedAt = now;
    this.ws.ping();
    return false;
  }

  private next(): void {
    this.current = this.waiting.shift();
    if (this.current === undefined) return;
    if (this.current.holding === undefined) this.waitingBytes -= this.current.text.length;
    this.piece(this.current, 0);
  }

  /** Each when the one before has left: one message is never a second time in memory. */
  private piece(message: Waiting, at: number): void {
    if (this.ws.readyState !== this.ws.OPEN) return;
    this.movedAt = performance.now();
    const end = at + PIECE_BYTES;
    const isLast = end >= message.text.length;
    this.ws.send(Buffer.from(message.text.slice(at, end), 'latin1'), { binary: false, fin: isLast }, () => {
      if (this.current !== message) return;
      if (!isLast) this.piece(message, end);
      else {
        message.holding?.release();
        this.next();
      }
    });
  }

  /** Nothing more will leave. */
  private drop(): void {
    this.current?.holding?.release();
    for (const { holding } of this.waiting) holding?.release();
    this.current = undefined;
    this.waiting.length = 0;
    this.waitingBytes = 0;
  }
}
