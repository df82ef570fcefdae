/**
 * Owns what may run on fog nodes, which nodes may join and how far they are believed, as the `fog` part of the configuration says: types and defaults.
 * The router reads and checks the part (router/config/fog-part.ts); the fog server and each fog node follow it.
 */

/** A program that work may name. The caller's arguments follow `args`; no shell is between. */
export interface Program {
  /** A name looked up in the system's own folders, a full path, or `node`: the Node.js that runs this program. */
  readonly command: string;
  readonly args: readonly string[];
  /** Runs in bubblewrap: no network, nothing of the file system but the system's programs and `readable`. */
  readonly sandbox: boolean;
  /** Lets a sandboxed program reach the network. */
  readonly network: boolean;
  /** Full paths that a sandboxed program may read. */
  readonly readable: readonly string[];
  /** Of a shard: `alive` asks whether the process is there, `ping` also for an answer on its stdin and stdout. */
  readonly health: 'alive' | 'ping';
}

export interface FogRules {
  /** What jobs may run, by the name that callers use. */
  readonly commands: ReadonlyMap<string, Program>;
  /** What a shard of an agent type runs. */
  readonly agents: ReadonlyMap<string, Program>;
  /** Peer ids of the nodes that may join; undefined: any that reaches this server. */
  readonly nodes: ReadonlySet<string> | undefined;
  readonly trust: FogTrust;
}

/** How much of what a node says of itself is believed. A node measures itself, and may be mistaken or lie. */
export interface FogTrust {
  /** Of no node counts more, whatever it says. */
  readonly mostCores: number;
  readonly mostMemoryGb: number;
  /** Of a node that nobody vouches for counts no more at first. */
  readonly newNodeCores: number;
  readonly newNodeMemoryGb: number;
  /** So many results that counted double both, twice as many treble them, and so on; a lease that it lost takes ten away. */
  readonly resultsToDouble: number;
  /** Peer ids whose word is taken up to the most; those that `nodes` lists are among them. */
  readonly vouchedFor: ReadonlySet<string>;
}

export const DEFAULT_TRUST: FogTrust = {
  mostCores: 256,
  mostMemoryGb: 1_024,
  newNodeCores: 16,
  newNodeMemoryGb: 64,
  resultsToDouble: 100,
  vouchedFor: new Set(),
};

/** A name of a command or an agent type. */
export const PROGRAM_NAME = /^[a-z][a-z0-9_-]{0,47}$/;

const SANDBOXED = { args: [], sandbox: true, network: false, readable: [], health: 'alive' } as const;

/** What holds when the configuration names no commands. */
export const DEFAULT_COMMANDS: ReadonlyMap<string, Program> = new Map(
  ['echo', 'sleep', 'sha256sum'].map((command) => [command, { ...SANDBOXED, command }]),
);

export const NO_FOG_RULES: FogRules = {
  commands: DEFAULT_COMMANDS,
  agents: new Map(),
  nodes: undefined,
  trust: DEFAULT_TRUST,
};
