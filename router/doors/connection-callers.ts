/**
 * Remembers for a moment whom the Authorization header of a connection named: clients keep connections and show the same
 * header at each request. Revocation and expiry are asked each time all the same; a changed configuration waits a second at most.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '../../shared/identity/caller.ts';

const REMEMBERED_MS = 1_000;

interface Remembered {
  readonly header: string;
  readonly caller: Caller;
  /** performance.now() */
  readonly until: number;
}

export class ConnectionCallers {
  private readonly known = new WeakMap<Socket, Remembered>();

  /** Whom this very header named on this very connection a moment ago. */
  get({ socket, headers }: IncomingMessage): Caller | undefined {
    const known = this.known.get(socket);
    return known !== undefined && known.header === headers.authorization && performance.now() < known.until
      ? known.caller
      : undefined;
  }

  set({ socket, headers }: IncomingMessage, caller: Caller): void {
    const header = headers.authorization;
    if (header !== undefined) this.known.set(socket, { header, caller, until: performance.now() + REMEMBERED_MS });
  }
}
