/** Who is behind a session: the verified content of a token or an assertion. Never made from anything unverified. */
import type { Level } from './levels.ts';

export interface Caller {
  /** The token's `sub`. */
  readonly agentId: string;
  readonly role: string;
  readonly level: Level;
  /** Permission strings, those of the role included; `*` ends a pattern (`fog:*`). */
  readonly permissions: readonly string[];
  /** The token's `jti`: what a revocation names. */
  readonly tokenId: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** The server that has this caller's approved call made; absent when the caller makes it itself. */
  readonly actor?: string;
}
