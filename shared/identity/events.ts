/** What identity tells the audit. Holds no token, password or key; written by whoever is injected as `audit`. */

export interface IdentityEvent {
  readonly event:
    | 'auth_login'
    | 'auth_refresh'
    | 'auth_logout'
    | 'auth_denied'
    | 'token_issued'
    | 'token_revoked'
    | 'user_added'
    | 'user_removed';
  readonly outcome: 'allowed' | 'denied';
  /** Who it is about, when known: never a name that only somebody typed. */
  readonly agentId?: string;
  readonly tokenId?: string;
  /** Where it came from, as the door names its clients. */
  readonly clientKey?: string;
  /** Why it was denied: a RefusalReason, `password`, `rate_limited`. */
  readonly reason?: string;
}

/** Records one event; a throw or rejection refuses what was to be done. */
export type IdentityAudit = (event: IdentityEvent) => void | Promise<void>;
