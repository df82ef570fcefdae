/**
 * Turns what a request shows of its sender into a verified Caller, for a server of ours (A6, A7). Verifying itself is the
 * IdentityCheck's; this file only says which proof counts over which transport.
 */
import { AppError } from '../errors.ts';
import type { Caller } from './caller.ts';

/** The verifiers. Both throw or reject with AppError UNAUTHENTICATED, and answer at once what they verified before. */
export interface IdentityCheck {
  /** An assertion that the router minted for this server alone. */
  fromAssertion(jwt: string): Caller | Promise<Caller>;
  /** A caller's own access token. */
  fromToken(token: string): Caller | Promise<Caller>;
  /** The person at this machine: OPERATOR, cannot vote. */
  local(): Caller;
}

/** What one request carries. */
export interface Proof {
  /** `_meta["io.aivillage/assertion"]` of the request's params. */
  readonly assertion: string | undefined;
  /** The bearer token of the HTTP request. */
  readonly bearer: string | undefined;
}

/** @throws AppError UNAUTHENTICATED */
export type CallerOf = (proof: Proof) => Promise<Caller>;

export const ASSERTION_META_KEY = 'io.aivillage/assertion';

/** Behind the router: the assertion and nothing else, over stdio in `_meta`, over HTTP as the bearer token. */
export function callerByAssertion(identity: IdentityCheck, over: 'stdio' | 'http'): CallerOf {
  return async (proof) => {
    const jwt = over === 'stdio' ? proof.assertion : proof.bearer;
    if (jwt !== undefined) return identity.fromAssertion(jwt);
    throw new AppError('UNAUTHENTICATED', {
      text: `This server answers calls that carry the router's assertion (${over === 'stdio' ? '_meta' : 'Authorization'}); this one has none`,
    });
  };
}

/** Without the router, over HTTP: every request brings a token. */
export function callerByBearer(identity: IdentityCheck): CallerOf {
  return async ({ bearer }) => {
    if (bearer !== undefined) return identity.fromToken(bearer);
    throw new AppError('UNAUTHENTICATED');
  };
}

/** Without the router, over stdio: the token given at start, checked at each call because tokens end; else the local user. */
export function callerAtStart(identity: IdentityCheck, token: string | undefined): CallerOf {
  return async () => (token === undefined ? identity.local() : identity.fromToken(token));
}
