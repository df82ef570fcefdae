/** The token of now: given once, asked for, or made from a refresh token before the old one ends. Keeps none on any disk. */
import { z } from 'zod';
import { AppError } from '../shared/errors.ts';
import { type Pair, requestPair } from './token-pair.ts';

export interface TokenPair extends Pair {
  /** To keep the newer pair: the old one opens nothing any more. */
  readonly onRenewed?: (pair: Pair) => void;
}

/** Why another token is asked for: there was none, the old one ends soon, has ended, or was refused by the router. */
export type TokenNeed = 'first' | 'ending' | 'ended' | 'refused';

/** A token, what gives one, or a pair of `POST /api/auth/login`. */
export type TokenSource = string | ((need: TokenNeed) => string | Promise<string>) | TokenPair;

export interface TokensOptions {
  readonly source: TokenSource;
  /** Of `/api/auth/refresh`. */
  readonly refreshUrl: URL;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}

/** A token is renewed when so much of its life is left, and no later than that many milliseconds before its end. */
const LEFT_PART = 0.2;
const LEFT_MS = 60_000;

const claimsSchema = z.looseObject({ iat: z.number().optional(), exp: z.number().optional() });

interface Held {
  readonly text: string;
  /** Milliseconds since the epoch; undefined when the token does not say. */
  readonly expiresAt: number | undefined;
  readonly renewAt: number | undefined;
}

export class Tokens {
  /** Called with each new token but the first. */
  onRenewed: (token: string, expiresAt: number | undefined) => void = () => {};
  private readonly options: TokensOptions;
  private held: Held | undefined;
  private refreshToken: string | undefined;
  private renewal: Promise<string> | undefined;

  constructor(options: TokensOptions) {
    this.options = options;
    const { source } = options;
    if (typeof source === 'string') this.held = held(source);
    else if (typeof source === 'object') {
      this.held = held(source.accessToken);
      this.refreshToken = source.refreshToken;
    }
  }

  /** When the next renewal is due, in milliseconds since the epoch. */
  get renewAt(): number | undefined {
    return typeof this.options.source === 'string' ? undefined : this.held?.renewAt;
  }

  /**
   * The token to show now.
   * @throws AppError UNAUTHENTICATED when it has ended and there is no other
   */
  async get(): Promise<string> {
    const { held: token } = this;
    const now = this.options.now();
    const isEnded = token?.expiresAt !== undefined && token.expiresAt <= now;
    if (token !== undefined && !isEnded && (token.renewAt === undefined || now < token.renewAt)) return token.text;
    if (token !== undefined && !isEnded && typeof this.options.source === 'string') return token.text;
    try {
      return await this.renew(token === undefined ? 'first' : isEnded ? 'ended' : 'ending');
    } catch (error) {
      // What could not be renewed ahead of its time still holds for a while.
      if (token !== undefined && !isEnded) return token.text;
      throw error;
    }
  }

  /** A newer token, whatever the old one says. Those who ask at once get the same. */
  renew(need: TokenNeed): Promise<string> {
    this.renewal ??= this.fetchNew(need).finally(() => {
      this.renewal = undefined;
    });
    return this.renewal;
  }

  private async fetchNew(need: TokenNeed): Promise<string> {
    const { source } = this.options;
    if (typeof source === 'string')
      throw new AppError('UNAUTHENTICATED', {
        text: 'The token has ended, or was refused; give the client a newer one',
      });
    const isFirst = this.held === undefined;
    this.held = held(typeof source === 'function' ? await source(need) : await this.refresh(source));
    if (!isFirst) this.onRenewed(this.held.text, this.held.expiresAt);
    return this.held.text;
  }

  private async refresh({ onRenewed }: TokenPair): Promise<string> {
    const { refreshUrl, fetch: request } = this.options;
    const pair = await requestPair(refreshUrl, { refresh_token: this.refreshToken }, request);
    this.refreshToken = pair.refreshToken;
    onRenewed?.(pair);
    return pair.accessToken;
  }
}

/** Reads times only: who verifies the token is the router. */
function held(text: string): Held {
  const claims = claimsOf(text);
  if (claims?.exp === undefined) return { text, expiresAt: undefined, renewAt: undefined };
  const expiresAt = claims.exp * 1000;
  const life = claims.iat === undefined ? LEFT_MS / LEFT_PART : expiresAt - claims.iat * 1000;
  return { text, expiresAt, renewAt: expiresAt - Math.min(LEFT_MS, life * LEFT_PART) };
}

function claimsOf(token: string): z.output<typeof claimsSchema> | undefined {
  const [, payload] = token.split('.');
  if (payload === undefined) return undefined;
  try {
    return claimsSchema.parse(JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))));
  } catch {
    return undefined;
  }
}
