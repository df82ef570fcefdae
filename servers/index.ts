/** The servers of the village, by the id that configurations use. Each is loaded only when it is started. */
import type { Log } from '../shared/log.ts';
import type { VillageServer } from '../shared/village-server.ts';

/** What a server is given at start, whichever it is. */
export interface ServerEnvironment {
  readonly log: Log;
  /** An existing folder that belongs to this server's owner alone. */
  readonly dataDir: string;
}

export type OpenServer = (environment: ServerEnvironment) => VillageServer | Promise<VillageServer>;

export const SERVERS: ReadonlyMap<string, () => Promise<OpenServer>> = new Map([
  ['governance', async () => (await import('./governance/main.ts')).open],
  ['monitoring', async () => (await import('./monitoring/main.ts')).open],
]);
