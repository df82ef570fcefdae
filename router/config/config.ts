/** What mcp-servers.json says once it is read: types only. Servers, agents and rows by name are Maps, never objects. */
import type { EconomyRules } from '../../shared/economy-rules.ts';
import type { FogRules } from '../../shared/fog-rules.ts';
import type { ForgeRules } from '../../shared/forge-rules.ts';
import type { VotingRules } from '../../shared/voting-rules.ts';
import type { ConfigPath, Place } from './mistake.ts';
import type { AgentConfig, PermissionRow, RouterConfig, SandboxFolders, ServerOptions } from './schema.ts';

export type { AgentConfig, PermissionRow, SandboxFolders } from './schema.ts';

export interface StdioServer extends ServerOptions {
  readonly kind: 'stdio';
  /** As written, or a full path when it was written with a slash. */
  readonly command: string;
  readonly args: readonly string[];
  /** Only what the file gives it; nothing of the router's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Full path: `cwd`, else the folder of the file. */
  readonly cwd: string;
  /** This program's own `serve <id>`, which may be trusted with built-in names. */
  readonly isBuiltIn: boolean;
  /** What its process sees and reaches; absent: all that the router does. Folders are full paths. */
  readonly sandbox?: SandboxFolders;
  /** Each copy by itself, where they differ; absent: all are as this entry says. */
  readonly copies?: readonly StdioCopy[];
}

export interface StdioCopy extends Pick<StdioServer, 'command' | 'args' | 'env' | 'cwd'> {
  readonly priority: number;
}

export interface RemoteServer extends ServerOptions {
  readonly kind: 'remote';
  /** http or https, without a user in it. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `undefined`: Streamable HTTP first, then HTTP+SSE. */
  readonly transport: 'streamable-http' | 'sse' | undefined;
  /** Addresses of private networks are refused unless this is true; so it is for a URL of this machine in the file. */
  readonly allowPrivateAddress: boolean;
  readonly isBuiltIn: false;
  /** Each copy by itself, where they differ; absent: all are as this entry says. */
  readonly copies?: readonly RemoteCopy[];
}

export interface RemoteCopy extends Pick<RemoteServer, 'url' | 'headers' | 'allowPrivateAddress'> {
  readonly priority: number;
}

export type ServerConfig = StdioServer | RemoteServer;

/** What stands before the names of a server's tools and prompts where servers are merged. */
export function prefixOf(server: ServerConfig): string {
  return server.prefix ?? (server.isBuiltIn ? '' : `${server.id}__`);
}

/** What holds for all servers of the village. */
export interface Village {
  readonly agents: ReadonlyMap<string, AgentConfig>;
  /** In the order of the file. */
  readonly permissions: readonly PermissionRow[];
  /** Who votes, and how many it takes (G8). */
  readonly governance: VotingRules;
  /** What may run on fog nodes, and which may join (F1–F3). */
  readonly fog: FogRules;
  /** What is issued, and what work earns and costs (F5–F7). */
  readonly economy: EconomyRules;
  /** What the Agent Forge may run (J1–J3). */
  readonly forge: ForgeRules;
}

export interface Config extends Village {
  /** Full path. */
  readonly file: string;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
  /** In the order of the file, disabled ones included. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
  readonly router: RouterConfig;
  /** Sentences with their place, about what is odd but no mistake. */
  readonly warnings: readonly string[];
  /** Where a value of the file stands, for mistakes that are found later. */
  locate(path: ConfigPath): Place;
}
