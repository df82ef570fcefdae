/** JSON-RPC batches, for the one protocol version that has them (2025-03-26): each message is checked by itself (P10). */
import { AppError, toAppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { JsonScanError, STRICT_LIMITS, scanArray } from '../../shared/json/scan.ts';
import type { Exchange } from '../call.ts';
import { octetsOf, readClientMessage } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { errorAnswer, receiveOther, receiveRequest } from './receive.ts';

const BATCH_VERSION = '2025-03-26';
const MAX_MESSAGES = 100;

export function isBatch(text: Octets): boolean {
  return text.trimStart().startsWith('[');
}

/**
 * Runs a batch.
 * @param send where notifications and requests of servers go before the answers
 * @returns the array of answers; undefined when nothing in it wants one
 * @throws AppError INVALID_REQUEST when this session has no batches, or it is empty or too long: then nothing ran
 */
export async function receiveBatch(
  router: Router,
  session: Session,
  caller: Caller,
  text: Octets,
  send: (message: Octets) => void,
): Promise<Octets | undefined> {
  const answers = await Promise.all(
    split(session, text).map((element) => {
      try {
        const message = readClientMessage(element);
        if (message.method === 'initialize')
          throw new AppError('INVALID_REQUEST', { text: 'initialize cannot be part of a batch' });
        if (message.kind === 'request')
          return answerOf((exchange) => receiveRequest(router, session, caller, message, exchange), send);
        receiveOther(router, session, message);
        return undefined;
      } catch (error) {
        return errorAnswer('null', toAppError(error));
      }
    }),
  );
  const given = answers.filter((answer) => answer !== undefined);
  return given.length === 0 ? undefined : (`[${given.join(',')}]` as Octets);
}

function split(session: Session, text: Octets): Octets[] {
  if (session.version !== BATCH_VERSION) {
    throw new AppError('INVALID_REQUEST', {
      text: `Batches are part of protocol version ${BATCH_VERSION} only; send one message`,
    });
  }
  let elements: Octets[];
  try {
    elements = scanArray(text, STRICT_LIMITS).map((element) => octetsOf(text, element));
  } catch (error) {
    if (error instanceof JsonScanError)
      throw new AppError('PARSE_ERROR', { text: `Not acceptable as JSON: ${error.message}` });
    throw error;
  }
  if (elements.length === 0 || elements.length > MAX_MESSAGES) {
    throw new AppError('INVALID_REQUEST', { text: `A batch holds 1 to ${MAX_MESSAGES} messages` });
  }
  return elements;
}

function answerOf(
  run: (exchange: Exchange) => Promise<void>,
  send: (message: Octets) => void,
): Promise<Octets | undefined> {
  return new Promise((resolve) => {
    void run({
      send,
      answer: (answer, holding) => {
        resolve(answer);
        holding?.release();
      },
    });
  });
}
