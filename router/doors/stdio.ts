/** The router as a stdio server of a desktop host: one session, whose caller MCP_TOKEN names (A7). */
import type { Readable, Writable } from 'node:stream';
import { AppError, toAppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { onOneLine } from '../message.ts';
import { errorAnswer } from '../relay/receive.ts';
import { onOneChannel, receiveText } from '../relay/receive-text.ts';
import type { Router } from '../router.ts';
import { Lines } from '../upstreams/lines.ts';

/** Serves until the host closes its end; resolves then. */
export function serveStdio(router: Router, caller: Caller, input: Readable, output: Writable): Promise<void> {
  let open = true;
  const send = (message: Octets): void => {
    if (open) output.write(`${onOneLine(message)}\n`, 'latin1');
  };
  const session = router.sessions.open({
    caller,
    endpoint: undefined,
    door: 'stdio',
    outlet: {
      send,
      get open() {
        return open;
      },
      // Its one token is the session's: with it, all of it ends.
      cut: () => {},
      close: () => {
        open = false;
        input.destroy();
      },
    },
  });
  const exchange = onOneChannel(send);
  const refuse = (error: unknown): void => send(errorAnswer('null', toAppError(error)));
  const tooLarge = (): void => refuse(new AppError('MESSAGE_TOO_LARGE'));
  const lines = new Lines(router.settings.maxMessageBytes, {
    onLine: (line) => void receiveText(router, session, caller, line, exchange).catch(refuse),
    onBadLine: () => refuse(new AppError('PARSE_ERROR', { text: 'The line is not valid UTF-8' })),
    onTooLong: tooLarge,
    onTooLongEnd: () => {},
    onEndless: () => router.sessions.close(session, 'a line without end'),
  });
  input.on('data', (chunk: Buffer) => lines.push(chunk));
  output.on('error', () => router.sessions.close(session, 'the host closed our output'));
  return new Promise((resolve) => {
    input.on('close', () => {
      router.sessions.close(session, 'the host closed our input');
      resolve();
    });
    input.on('end', () => input.destroy());
  });
}
