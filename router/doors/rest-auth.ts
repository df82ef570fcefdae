/**
 * Owns `/api/auth/*` (A3): signing in, refreshing, signing out and asking who one is, as functions from a parsed body to an
 * answer. The HTTP server reads requests, checks the bearer token and mounts them; nothing here sees a socket.
 */
import { z } from 'zod';
import { AppError, toAppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { LEEWAY_SECONDS } from '../../shared/identity/claims.ts';
import type { IdentityAudit, IdentityEvent } from '../../shared/identity/events.ts';
import { levelName } from '../../shared/identity/levels.ts';
import type { LoginThrottle } from '../../shared/identity/login-throttle.ts';
import type { Refresher, TokenPair } from '../../shared/identity/refresh.ts';
import { refusalReason, refused, revocationsUnreadable } from '../../shared/identity/refusal.ts';
import type { Revocations } from '../../shared/identity/revocations.ts';
import { MAX_PASSWORD_LENGTH, type Users } from '../../shared/identity/users.ts';

export interface AuthInput {
  /** The body as parsed JSON; undefined when there was none. */
  readonly body: unknown;
  /** Who the bearer token names, verified by the door; undefined when there was none. */
  readonly caller?: Caller;
  /** What tells clients apart: the remote address. */
  readonly clientKey: string;
}

export interface AuthAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
}

export type AuthHandler = (input: AuthInput) => Promise<AuthAnswer>;

export interface AuthRoutes {
  /** `POST /api/auth/login` {username, password} */
  readonly login: AuthHandler;
  /** `POST /api/auth/refresh` {refresh_token} */
  readonly refresh: AuthHandler;
  /** `POST /api/auth/logout` {refresh_token?}, with a bearer token */
  readonly logout: AuthHandler;
  /** `GET /api/auth/verify`, with a bearer token */
  readonly verify: AuthHandler;
}

export interface AuthRoutesOptions {
  readonly users: Users;
  readonly refresher: Refresher;
  readonly revocations: Revocations;
  readonly throttle: LoginThrottle;
  readonly audit: IdentityAudit;
  /** The WWW-Authenticate of a 401; default `Bearer`. */
  readonly challenge?: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const tokenText = z.string().min(1).max(8_192);
const loginBody = z.strictObject({
  username: z.string().min(1).max(256),
  password: z.string().min(1).max(MAX_PASSWORD_LENGTH),
});
const refreshBody = z.strictObject({ refresh_token: tokenText });
const logoutBody = z.strictObject({ refresh_token: tokenText.optional() });

const NO_STORE = { 'cache-control': 'no-store' } as const;

export function createAuthRoutes(options: AuthRoutesOptions): AuthRoutes {
  const { users, refresher, revocations, throttle, now, challenge = 'Bearer' } = options;

  /** Answers errors by the table, and records every denial. */
  function handler(work: (input: AuthInput, record: Recorder) => Promise<Record<string, unknown>>): AuthHandler {
    return async (input) => {
      const { clientKey } = input;
      try {
        const record: Recorder = async (event) => options.audit({ ...event, outcome: 'allowed', clientKey });
        return { status: 200, body: await work(input, record), headers: NO_STORE };
      } catch (thrown) {
        const error = toAppError(thrown);
        const reason = denialReason(error);
        if (reason === undefined) return answerOf(error, challenge);
        const agentId = input.caller === undefined ? {} : { agentId: input.caller.agentId };
        try {
          await options.audit({ event: 'auth_denied', outcome: 'denied', clientKey, reason, ...agentId });
        } catch (failure) {
          return answerOf(toAppError(failure), challenge);
        }
        return answerOf(error, challenge);
      }
    };
  }

  function pairBody({ access, refresh }: TokenPair): Record<string, unknown> {
    return {
      access_token: access.token,
      refresh_token: refresh.token,
      token_type: 'Bearer',
      expires_in: access.expiresAt - Math.floor(now() / 1000),
    };
  }

  return {
    login: handler(async ({ body, clientKey }, record) => {
      const { username, password } = parse(loginBody, body, '{"username", "password"}');
      if (!revocations.fresh()) throw revocationsUnreadable();
      const user = await throttle.attempt(username, clientKey, () => users.checkPassword(username, password));
      if (user === undefined) {
        throw new AppError('UNAUTHENTICATED', { text: 'User name or password is wrong', cause: new WrongPassword() });
      }
      const pair = await refresher.begin(user);
      await record({ event: 'auth_login', agentId: user.name, tokenId: pair.access.tokenId });
      return pairBody(pair);
    }),

    refresh: handler(async ({ body }, record) => {
      const { refresh_token } = parse(refreshBody, body, '{"refresh_token"}');
      if (!revocations.fresh()) throw revocationsUnreadable();
      const pair = await refresher.exchange(refresh_token);
      await record({ event: 'auth_refresh', agentId: pair.agentId, tokenId: pair.access.tokenId });
      return pairBody(pair);
    }),

    logout: handler(async ({ body, caller }, record) => {
      const who = present(caller);
      const { refresh_token } = parse(logoutBody, body ?? {}, '{"refresh_token"} or {}');
      await revocations.revoke(who.tokenId, who.expiresAt + LEEWAY_SECONDS);
      // A refresh token that is not (or no longer) the caller's is no error (RFC 7009 §2.2): nothing is left to end.
      if (refresh_token !== undefined) await refresher.end(refresh_token, who.agentId);
      await record({ event: 'auth_logout', agentId: who.agentId, tokenId: who.tokenId });
      return { logged_out: true };
    }),

    verify: handler(async ({ caller }) => {
      const who = present(caller);
      return {
        active: true,
        sub: who.agentId,
        role: who.role,
        governance_level: levelName(who.level),
        permissions: who.permissions,
        exp: who.expiresAt,
      };
    }),
  };
}

type Recorder = (event: Omit<IdentityEvent, 'outcome' | 'clientKey'>) => Promise<void>;

class WrongPassword extends Error {
  override readonly name = 'WrongPassword';
}

function present(caller: Caller | undefined): Caller {
  if (caller === undefined) throw refused('missing', 'no bearer token');
  return caller;
}

/** Says what is expected, never what came. */
function parse<T>(schema: z.ZodType<T>, body: unknown, expected: string): T {
  const { data, error } = schema.safeParse(body);
  if (error === undefined) return data as T;
  throw new AppError('INVALID_REQUEST', { text: `The body must be a JSON object ${expected} with nothing else in it` });
}

/** Why somebody was denied; undefined for errors that deny nobody (a broken body, a store that is away). */
function denialReason(error: AppError): string | undefined {
  if (error.kind === 'RATE_LIMITED') return 'rate_limited';
  if (error.kind !== 'UNAUTHENTICATED') return undefined;
  return error.cause instanceof WrongPassword ? 'password' : (refusalReason(error) ?? 'unknown');
}

function answerOf(error: AppError, challenge: string): AuthAnswer {
  const headers: Record<string, string> = { ...NO_STORE };
  if (error.httpStatus === 401) headers['www-authenticate'] = challenge;
  const retryAfterMs = error.data?.retryAfterMs;
  if (typeof retryAfterMs === 'number') headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return { status: error.httpStatus, body: { error: error.toJsonRpc() }, headers };
}
