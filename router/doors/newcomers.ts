/**
 * Owns the bound on connections that have not brought the head of a request yet. When there are too many, the oldest of them is
 * closed: honest clients need milliseconds for it, and whoever opens thousands takes their places from himself (D09).
 */
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';

const MAX_NEWCOMERS = 1_000;

export class Newcomers {
  private readonly sockets = new Set<Duplex>();

  /** @param isTls whether the connections are those within TLS */
  constructor(server: Server, isTls: boolean) {
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Duplex) => this.add(socket));
  }

  /** It brought one. */
  remove(socket: Duplex): void {
    this.sockets.delete(socket);
  }

  private add(socket: Duplex): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    if (this.sockets.size <= MAX_NEWCOMERS) return;
    for (const oldest of this.sockets) {
      this.sockets.delete(oldest);
      oldest.destroy();
      return;
    }
  }
}
