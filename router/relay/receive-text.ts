/** One text of a client on a door that carries everything on one channel: stdio, WebSocket, the stream of HTTP+SSE. */
import type { Caller } from '../../shared/identity/caller.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { readClientMessage } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { isBatch, receiveBatch } from './batch.ts';
import { receiveOther, receiveRequest } from './receive.ts';

/**
 * Handles a message or a batch; everything that comes of it goes to `send`.
 * @throws AppError when it is no acceptable message; nothing of it ran
 */
export async function receiveText(
  router: Router,
  session: Session,
  caller: Caller,
  text: Octets,
  send: (message: Octets) => void,
): Promise<void> {
  session.lastUsedAt = performance.now();
  if (isBatch(text)) {
    const answers = await receiveBatch(router, session, caller, text, send);
    if (answers !== undefined) send(answers);
    return;
  }
  const message = readClientMessage(text);
  if (message.kind !== 'request') {
    receiveOther(router, session, message);
    return;
  }
  await receiveRequest(router, session, caller, message, {
    send,
    answer: (answer, holding) => {
      if (answer !== undefined) send(answer);
      holding?.release();
    },
  });
}
