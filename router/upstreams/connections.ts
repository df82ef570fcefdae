/** Makes connections to one copy of a server, by the ways there are to it, and knows which there are. Starts nothing again. */
import { AppError } from '../../shared/errors.ts';
import type { Call } from '../call.ts';
import type { Message } from '../message.ts';
import type { Session } from '../session.ts';
import type { CopyOptions, ServerOptions, Way } from './options.ts';
import { keepOwnAssertion } from './own-assertion.ts';
import { Peer } from './peer.ts';

export interface ConnectionEvents {
  onNotification(peer: Peer, message: Message, call: Call | undefined): void;
  onConnected(peer: Peer): void;
}

/** Why a server cannot be used now. */
export function unavailable(serverId: string, retryAfterMs?: number, cause?: unknown): AppError {
  const data = retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(Math.max(0, retryAfterMs)) };
  return new AppError('UPSTREAM_UNAVAILABLE', { text: `The server ${serverId} is not available`, data, cause });
}

export class Connections {
  /** Every connection there is now. */
  readonly connected = new Set<Peer>();
  private readonly options: ServerOptions;
  private readonly ways: CopyOptions['ways'];
  private readonly events: ConnectionEvents;
  /** Those that are being made. */
  private readonly opening = new Set<Peer>();
  private isStopped = false;

  constructor(options: ServerOptions, ways: CopyOptions['ways'], events: ConnectionEvents) {
    this.options = options;
    this.ways = ways;
    this.events = events;
  }

  all(): Peer[] {
    return [...this.opening, ...this.connected];
  }

  /**
   * @param onClose told once a connection that was made is gone
   * @param session that has it to itself
   */
  async open(onClose: (error: Error | undefined) => void, session?: Session): Promise<Peer> {
    let problem: unknown;
    for (const way of this.ways) {
      if (this.isStopped) break;
      try {
        return await this.openBy(way, onClose, session);
      } catch (error) {
        problem ??= error;
      }
    }
    throw problem ?? unavailable(this.options.id);
  }

  /** Ends those that are being made, and makes no more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all([...this.opening].map((peer) => peer.close()));
  }

  private async openBy(way: Way, onClose: (error: Error | undefined) => void, session?: Session): Promise<Peer> {
    const { id, timer, clientInfo, log, events, startTimeoutMs, assertion, ownAssertion } = this.options;
    const own =
      assertion === 'bearer'
        ? await keepOwnAssertion(ownAssertion, (error) =>
            log.error({ server: id, err: error }, 'no assertion could be made'),
          )
        : undefined;
    const peer: Peer = new Peer(
      way((requestId) => peer.assertionOf(requestId) ?? own?.()),
      {
        timer,
        clientInfo,
        ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
        ...(session === undefined ? {} : { session }),
        stopped: this.options.stopped,
        onBadMessage: (count, why) =>
          log.warn({ server: id, count, why }, 'the server printed what is no message; skipped'),
        events: {
          onRequest: events.onRequest,
          onNotification: (from, message, call) => this.events.onNotification(from, message, call),
          onClose: (_, error) => {
            this.connected.delete(peer);
            if (connected) onClose(error);
          },
        },
      },
    );
    let connected = false;
    this.opening.add(peer);
    try {
      await peer.connect();
    } finally {
      this.opening.delete(peer);
    }
    if (this.isStopped) {
      await peer.close();
      throw unavailable(id);
    }
    connected = true;
    const stopped = this.options.stopped();
    if (stopped !== undefined) {
      await peer.kill();
      throw stopped;
    }
    this.connected.add(peer);
    this.events.onConnected(peer);
    return peer;
  }
}
