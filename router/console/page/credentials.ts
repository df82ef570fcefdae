/**
 * The token of this tab, in its session storage, so that it ends with the tab; renewed where its user signed in by password. When it
 * has ended for good it says so, and takes another without anything on the page being lost.
 */
import { z } from 'zod';
import { requestPair, type TokenNeed, VillageError } from '../../../client/index.ts';

const KEY = 'aivillage.token';

/** A token that was entered has none to renew it. */
export type Kept = z.output<typeof keptSchema>;

const keptSchema = z.object({ accessToken: z.string().min(1), refreshToken: z.string().min(1).optional() });

export interface Who {
  readonly agent: string;
  readonly level: string;
}

export function keptInTab(): Kept | undefined {
  try {
    return keptSchema.parse(JSON.parse(sessionStorage.getItem(KEY) ?? ''));
  } catch {
    // Nothing, or what another version of the page left.
    return undefined;
  }
}

/** @throws VillageError with the router's words when name or password is wrong */
export function signInByPassword(username: string, password: string): Promise<Kept> {
  return requestPair(new URL('/api/auth/login', location.href), { username, password }, request);
}

const request: typeof fetch = (input, init) => fetch(input, init);

export class Credentials {
  /** Called when only their user can help: the token has ended, or is refused. */
  onEnded: () => void = () => {};
  private kept: Kept;
  /** The token that was handed out last. */
  private given: string | undefined;

  constructor(kept: Kept) {
    this.kept = kept;
    this.keep(kept);
  }

  /** What the token says of its bearer, to greet them; who decides on it is the router. */
  get who(): Who {
    return whoOf(this.kept.accessToken);
  }

  /** Signed in again. */
  keep(kept: Kept): void {
    this.kept = kept;
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  }

  /** For a client: the token, or a newer one. @throws VillageError INVALID_API_KEY when there is none */
  async give(need: TokenNeed): Promise<string> {
    if (this.given === this.kept.accessToken) await this.renew(need);
    this.given = this.kept.accessToken;
    return this.given;
  }

  /** A request of the page's own beside its client's. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...init.headers, authorization: `Bearer ${this.kept.accessToken}` };
    return fetch(path, { ...init, headers });
  }

  /** Leaves nothing in the tab. What was signed in by password is ended at the router too. */
  async forget(): Promise<void> {
    sessionStorage.removeItem(KEY);
    const { refreshToken } = this.kept;
    if (refreshToken === undefined) return;
    await this.fetch('/api/auth/logout', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: refreshToken }),
    }).catch(() => undefined);
  }

  private async renew(need: TokenNeed): Promise<void> {
    const { refreshToken } = this.kept;
    if (refreshToken !== undefined) {
      try {
        this.keep(
          await requestPair(new URL('/api/auth/refresh', location.href), { refresh_token: refreshToken }, request),
        );
        return;
      } catch (error) {
        if (!(error instanceof VillageError) || error.reason !== 'INVALID_API_KEY') throw error;
      }
    }
    // One that only ends soon still holds.
    if (need !== 'ending') this.onEnded();
    throw new VillageError('UNAUTHENTICATED', {
      text: 'The token has ended, was revoked, or is of another village; sign in again',
    });
  }
}

function whoOf(token: string): Who {
  try {
    const text = atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'));
    const payload = JSON.parse(text) as Record<string, unknown>;
    return { agent: String(payload.sub ?? '?'), level: String(payload.governance_level ?? '?') };
  } catch {
    return { agent: '?', level: '?' };
  }
}
