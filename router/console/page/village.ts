/** Who is signed in and the one client of the page. The token lives in this tab's session storage, and ends with the tab. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { VillageClient } from '../../../client/index.ts';

const KEY = 'aivillage.token';

export interface Village {
  readonly client: VillageClient;
  /** Names of the tools that this caller may use. */
  readonly tools: ReadonlySet<string>;
  readonly who: Who;
  /** The token that was entered. */
  readonly token: string;
}

export interface Who {
  readonly agent: string;
  readonly level: string;
}

export const VillageContext = createContext<Village | undefined>(undefined);

export function useVillage(): Village {
  const village = useContext(VillageContext);
  if (village === undefined) throw new Error('a page outside of its village');
  return village;
}

export function keptToken(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function keepToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}

export function clientFor(token: string): VillageClient {
  const url = new URL('/mcp', location.href);
  // The page's policy forbids code made at run time, so the server alone checks arguments.
  return new VillageClient({
    url,
    token,
    name: 'console',
    validator: false,
    heartbeatMs: 5_000,
    timeoutMs: 20_000,
    giveUpAfterMs: Number.POSITIVE_INFINITY,
  });
}

/** What the token says of its bearer, to greet them; who decides on it is the router. */
export function whoOf(token: string): Who {
  try {
    const payload = JSON.parse(atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'))) as Record<
      string,
      unknown
    >;
    return { agent: String(payload.sub ?? '?'), level: String(payload.governance_level ?? '?') };
  } catch {
    return { agent: '?', level: '?' };
  }
}
