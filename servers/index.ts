/** The servers of the village, by the id that configurations use. Each is loaded only when it is started. */
import type { RouterLink } from '../shared/client/router-link.ts';
import type { EconomyRules } from '../shared/economy-rules.ts';
import type { FogRules } from '../shared/fog-rules.ts';
import type { ForgeRules } from '../shared/forge-rules.ts';
import type { Log } from '../shared/log.ts';
import type { PeerSettings, TwinSettings } from '../shared/settings.ts';
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
  /** The twins' settings; without them the key lies beside the data folder and the rest is as usual. */
  readonly twin?: TwinSettings;
  /** The fog's settings; without them no command is known and nobody can join. */
  readonly fog?: FogSettings;
  /** The rules of money, as the configuration says now; without them nothing is issued. */
  readonly economy?: () => EconomyRules;
  /** The Agent Forge's settings; without them only what needs no command runs, on no models. */
  readonly forge?: ForgeSettings;
  /** How peers are met; without them only on this machine, and without multicast. */
  readonly peers?: PeerSettings;
}

export interface MonitoringSettings {
  /** Full paths whose sound files may be analysed. */
  readonly folders: readonly string[];
  /** Webhooks may go to this machine and to private networks. */
  readonly allowsPrivateWebhooks: boolean;
}

export interface FogSettings {
  /** What may run and who may join, as the configuration says now. */
  readonly rules: () => FogRules;
  /** Where nodes reach this server: a multiaddr; port 0 takes the last one again, or any. */
  readonly listen: string;
}

export interface ForgeSettings {
  /** What the forge may run, as the configuration says now. */
  readonly rules: () => ForgeRules;
  /** An OpenAI-compatible server up to and with `/v1`, for callers whose client offers no sampling. */
  readonly endpoint:
    | { readonly url: string; readonly apiKey: string | undefined; readonly model: string | undefined }
    | undefined;
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
  ['digital-twin', async () => (await import('./digital-twin/main.ts')).open],
  ['fog', async () => (await import('./fog/main.ts')).open],
  ['governance', async () => (await import('./governance/main.ts')).open],
  ['hyperrag', async () => (await import('./hyperrag/main.ts')).open],
  ['p2p', async () => (await import('./p2p/main.ts')).open],
  ['monitoring', async () => (await import('./monitoring/main.ts')).open],
]);
