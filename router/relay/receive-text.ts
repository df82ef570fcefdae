/** One text of a client on a door that carries everything on one channel: stdio, WebSocket, the stream of HTTP+SSE. */
import type { Caller } from '../../shared/identity/caller.ts';
import type { Octets } from '../../shared/json/octets.ts';
import type { Exchange } from '../call.ts';
import { readClientMessage } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { isBatch, receiveBatch } from './batch.ts';
import { receiveOther, receiveRequest } from './receive.ts';

/** The way back on a channel that cannot tell when a message has left. */
export function onOneChannel(send: (message: Octets) => void): Exchange {
  return {
    send,
    answer: (answer, holding) => {
      if (answer !== undefined) send(answer);
      holding?.release();
    },
  };
}

/**
 * Handles a message or a batch; everything that comes of it goes to `exchange`.
 * @throws AppError when it is no acceptable message; nothing of it ran
 */
export async function receiveText(
  router: Router,
  session: Session,
  caller: Caller,
  text: Octets,
  exchange: Exchange,
): Promise<void> {
  session.lastUsedAt = performance.now();
  if (isBatch(text)) {
    const answers = await receiveBatch(router, session, caller, text, exchange.send);
    if (answers !== undefined) exchange.answer(answers);
    return;
  }
  const message = readClientMessage(text);
  if (message.kind !== 'request') {
    receiveOther(router, session, message);
    return;
  }
  await receiveRequest(router, session, caller, message, exchange);
}
