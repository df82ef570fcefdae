/** The one client of the page, and what all its parts know of the village. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { VillageClient } from '../../../client/index.ts';
import type { Credentials, Who } from './credentials.ts';

export interface Village {
  readonly client: VillageClient;
  readonly credentials: Credentials;
  /** Names of the tools that this caller may use. */
  readonly tools: ReadonlySet<string>;
  readonly who: Who;
  /** Counts how often its user signed in: what failed for want of a token is loaded again. */
  readonly turn: number;
}

export const VillageContext = createContext<Village | undefined>(undefined);

export function useVillage(): Village {
  const village = useContext(VillageContext);
  if (village === undefined) throw new Error('a page outside of its village');
  return village;
}

export function clientFor(credentials: Credentials): VillageClient {
  const url = new URL('/mcp', location.href);
  // The page's policy forbids code made at run time, so the server alone checks arguments.
  return new VillageClient({
    url,
    token: (need) => credentials.give(need),
    name: 'console',
    validator: false,
    heartbeatMs: 5_000,
    timeoutMs: 20_000,
    giveUpAfterMs: Number.POSITIVE_INFINITY,
  });
}
