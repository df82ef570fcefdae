/** The servers of the village, by the id that configurations use. Each is loaded only when it is started. */
import type { RouterLink } from '../shared/client/router-link.ts';
import type { Log } from '../shared/log.ts';
import type { VillageServer } from '../shared/village-server.ts';
import type { VotingRules } from '../shared/voting-rules.ts';
import type { EmbedderChoice } from './hyperrag/embedding/embedder.ts';

/** What a server is given at start, whichever it is. */
export interface ServerEnvironment {
  readonly log: Log;
  /** An existing folder that belongs to this server's owner alone. */
  readonly dataDir: string;
  /** Who votes and how (G8), as the configuration says now; another object when it changed. */
  readonly votingRules: () => VotingRules;
  /** The way to other servers, when the router started this one as its client. */
  readonly router: RouterLink | undefined;
  /** HyperRAG's settings; without them no folder is open and the token budget is the usual one. */
  readonly knowledge?: KnowledgeSettings;
  /** Monitoring's settings; without them no folder is open and webhooks go to public addresses only. */
  readonly monitoring?: MonitoringSettings;
}

export interface MonitoringSettings {
  /** Full paths whose sound files may be analysed. */
  readonly folders: readonly string[];
  /** Webhooks may go to this machine and to private networks. */
  readonly allowsPrivateWebhooks: boolean;
}

export interface KnowledgeSettings {
  /** Full paths that files may be ingested from. */
  readonly folders: readonly string[];
  /** Budget of a context store. */
  readonly maxTokens: number;
  /** What makes the vectors; undefined = the built-in ones only. */
  readonly embedder?: EmbedderChoice | undefined;
  /** Passages that one author may have in a namespace; the usual number when left out. */
  readonly maxPassages?: number | undefined;
}

export type OpenServer = (environment: ServerEnvironment) => VillageServer | Promise<VillageServer>;

export const SERVERS: ReadonlyMap<string, () => Promise<OpenServer>> = new Map([
  ['governance', async () => (await import('./governance/main.ts')).open],
  ['hyperrag', async () => (await import('./hyperrag/main.ts')).open],
  ['monitoring', async () => (await import('./monitoring/main.ts')).open],
]);
