/** Owns the connection to the process that has the node: asks, waits, hears of changes. */
import { once } from 'node:events';
import net from 'node:net';
import { AppError } from '../../../shared/errors.ts';
import { type Change, fromReplyError, onLines, replySchema, sendLine } from './protocol.ts';

export interface LocalClient {
  /** @throws AppError of the operation; CONNECTION_LOST when the owner ended before it answered */
  call(operation: string, args: unknown): Promise<unknown>;
  /** Settles when the owner has gone. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: AppError) => void;
}

/** @throws Error when nobody listens there */
export async function connectLocally(socketPath: string, onChange: (change: Change) => void): Promise<LocalClient> {
  const socket = net.connect(socketPath);
  await once(socket, 'connect');
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  onLines(socket, (message) => {
    const reply = replySchema.parse(message);
    if ('changed' in reply) {
      onChange(reply.changed);
      return;
    }
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) asked?.reject(fromReplyError(reply.error));
    else asked?.resolve(reply.result);
  });
  const closed = new Promise<void>((resolve) => {
    socket.on('error', () => undefined);
    socket.once('close', () => {
      for (const { reject } of waiting.values()) reject(new AppError('CONNECTION_LOST'));
      waiting.clear();
      resolve();
    });
  });
  return {
    call(operation, args) {
      if (!socket.writable) return Promise.reject(new AppError('CONNECTION_LOST'));
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        sendLine(socket, { id, operation, args });
      });
    },
    closed,
    close: () => void socket.destroy(),
  };
}
