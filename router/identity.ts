/** What the router needs to know of identity: tokens in, assertions out, and whether a token still holds. */
import type { Caller } from '../shared/identity/caller.ts';

export interface Identity {
  /** Who presents this token. Synchronous when it is remembered. Throws AppError UNAUTHENTICATED. */
  verify(token: string): Caller | Promise<Caller>;
  /** False while nobody can know what was revoked: then no token is accepted. */
  readonly available: boolean;
  /** Throws AppError UNAUTHENTICATED when the caller's token expired or was revoked meanwhile, or nobody can tell. */
  check(caller: Caller): void;
  /** The assertion that names this caller to one server (DESIGN §2). Synchronous while one is fresh. */
  assertion(caller: Caller, serverId: string): string | Promise<string>;
}
