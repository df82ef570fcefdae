/** Owns the local socket of the process that has the node: takes requests, gives results, tells of changes. */

import { once } from 'node:events';
import fs from 'node:fs';
import net, { type Socket } from 'node:net';
import { type Change, onLines, requestSchema, sendLine, toReplyError } from './protocol.ts';

export interface LocalServer {
  tell(change: Change): void;
  close(): Promise<void>;
}

/** @param call runs an operation; what it throws is told to who asked */
export async function listenLocally(
  socketPath: string,
  call: (operation: string, args: unknown) => Promise<unknown>,
): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    onLines(socket, (message) => void answer(socket, message));
  });
  const answer = async (socket: Socket, message: unknown): Promise<void> => {
    const parsed = requestSchema.safeParse(message);
    if (!parsed.success) {
      socket.destroy();
      return;
    }
    const { id, operation, args } = parsed.data;
    try {
      sendLine(socket, { id, result: (await call(operation, args)) ?? null });
    } catch (thrown) {
      sendLine(socket, { id, error: toReplyError(thrown) });
    }
  };

  // The one who holds the lock is the owner: whatever lies there was left behind by one that was killed.
  if (process.platform !== 'win32') fs.rmSync(socketPath, { force: true });
  const before = process.umask(0o177);
  try {
    server.listen(socketPath);
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
  return {
    tell(change) {
      for (const socket of sockets) sendLine(socket, { changed: change });
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
