/**
 * The only reader of the process environment: variables → Settings, with every mistake told at once.
 * Reads no file and keeps no state; a secret's value is never part of a message.
 */
import path from 'node:path';
import envPaths from 'env-paths';
import type { z } from 'zod';
import { closest } from './closest.ts';
import { came, cameKind } from './expecting.ts';
import { isLoopback } from './loopback.ts';
import {
  type EmbedderSetting,
  isHost,
  type JwksSource,
  type LogLevel,
  VARIABLES,
  type VariableName,
  type Variables,
} from './variables.ts';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A copy of this process's environment, for what children are given. */
export function currentEnvironment(): Environment {
  return { ...process.env };
}

export interface TwinSettings {
  readonly passphrase: string | undefined;
  /** Full path. */
  readonly keyFile: string;
  readonly usesKeychain: boolean;
  readonly minPeople: number;
  readonly epsilon: number;
  readonly epsilonBudget: number;
}

/** What the environment says, in the units of the code. */
export interface Settings {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Beyond the addresses of this machine. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Full path. */
  readonly dataDir: string;
  /** Full path. */
  readonly checkpointDir: string;
  /** Full path; undefined when AIVILLAGE_CONFIG is not set. */
  readonly configFile: string | undefined;
  /** At least 32 bytes; undefined when the data folder's own key is to be used. */
  readonly jwtSecret: string | undefined;
  readonly jwks: JwksSource | undefined;
  readonly jwtIssuer: string;
  readonly jwtAudience: string;
  readonly token: string | undefined;
  /** The router's public key, when the router started this process. */
  readonly assertionKey: string | undefined;
  /** The router's door for this server, when the router started it as its client. */
  readonly router: { readonly url: string; readonly token: string } | undefined;
  readonly logLevel: LogLevel;
  readonly defaultTimeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly maxServers: number;
  readonly maxMessageBytes: number;
  readonly maxResultBytes: number;
  /** Of one context of HyperRAG. */
  readonly maxTokens: number;
  /** Full paths that HyperRAG may ingest files from. */
  readonly hyperragFolders: readonly string[];
  /** How the twins are locked, and what is told of people. */
  readonly twin: TwinSettings;
  /** Multiaddr that fog nodes reach the fog server at. */
  readonly fogListen: string;
  /** What model_chat asks when the client offers no sampling. */
  readonly modelEndpoint:
    | { readonly url: string; readonly apiKey: string | undefined; readonly model: string | undefined }
    | undefined;
  readonly peers: PeerSettings;
  /** Of one author in one namespace of HyperRAG. */
  readonly hyperragMaxPassages: number;
  /** undefined = HyperRAG's vectors are the built-in ones. */
  readonly hyperragEmbedder: (EmbedderSetting & { readonly key?: string | undefined }) | undefined;
  readonly healthCheckIntervalMs: number;
  readonly auditRetentionDays: number;
  readonly auditDurability: 'normal' | 'strict';
  readonly heartbeatIntervalMs: number;
  readonly connectionTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly emergencyStopTimeoutMs: number;
  /** Sentences about what is odd but no mistake. */
  readonly warnings: readonly string[];
}

/** How this machine meets its peers. */
export interface PeerSettings {
  /** Multiaddrs; port 0 takes a free one. */
  readonly listen: readonly string[];
  readonly bootstrap: readonly string[];
  /** 32 bytes; undefined for an open network. */
  readonly networkKey: Uint8Array | undefined;
  readonly mdns: boolean;
  /** Absent: as their defaults. */
  readonly circuits?: CircuitSettings;
}

/** How this machine takes part in circuits (BetaNet). */
export interface CircuitSettings {
  /** Carries circuits of others. */
  readonly relay: boolean;
  /** Mean time that a cell waits here; 0 is none. */
  readonly mixingMs: number;
  /** Cells that mean nothing, on each own circuit; 0 is none. */
  readonly coverPerSecond: number;
  /** Whoever builds a path takes no two relays of one operator. */
  readonly operator: string | undefined;
}

/** All mistakes of the environment, one per line of the message; fit for the user, no secret in it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.mistakes = mistakes;
  }
}

/**
 * Reads the variables; an empty one counts as not set.
 * @throws SettingsError with every mistake
 */
export function readSettings(env: Environment = process.env): Settings {
  const given = new Map<string, string>();
  for (const name of Object.keys(VARIABLES.shape)) {
    // A key is its exact bytes; everything else may stand between spaces.
    const text = name === 'MCP_JWT_SECRET_KEY' ? env[name] : env[name]?.trim();
    if (text !== undefined && text !== '') given.set(name, text);
  }
  const parsed = VARIABLES.safeParse(Object.fromEntries(given));
  const mistakes = parsed.success ? [] : parsed.error.issues.map((issue) => describe(issue, given));
  mistakes.push(...checkTogether(given));
  if (!parsed.success || mistakes.length > 0) throw new SettingsError(mistakes);
  return toSettings(parsed.data, env);
}

function toSettings(v: Variables, env: Environment): Settings {
  const dataDir = v.AIVILLAGE_DATA_DIR ?? envPaths('aivillage', { suffix: '' }).data;
  const checkpointDir = v.AIVILLAGE_CHECKPOINT_DIR ?? `${dataDir}-checkpoints`;
  const { MCP_TLS_CERT: certFile, MCP_TLS_KEY: keyFile } = v;
  return {
    host: v.MCP_HOST,
    port: v.MCP_PORT,
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined,
    allowedHosts: v.MCP_ALLOWED_HOSTS,
    allowedOrigins: v.MCP_ALLOWED_ORIGINS,
    dataDir,
    checkpointDir,
    configFile: v.AIVILLAGE_CONFIG,
    jwtSecret: v.MCP_JWT_SECRET_KEY,
    jwks: v.MCP_JWT_JWKS,
    jwtIssuer: v.MCP_JWT_ISSUER,
    jwtAudience: v.MCP_JWT_AUDIENCE,
    token: v.MCP_TOKEN,
    assertionKey: v.AIVILLAGE_ASSERTION_KEY,
    router:
      v.AIVILLAGE_ROUTER_URL !== undefined && v.AIVILLAGE_ROUTER_TOKEN !== undefined
        ? { url: v.AIVILLAGE_ROUTER_URL, token: v.AIVILLAGE_ROUTER_TOKEN }
        : undefined,
    logLevel: v.MCP_LOG_LEVEL,
    defaultTimeoutMs: v.MCP_DEFAULT_TIMEOUT * 1000,
    maxTimeoutMs: v.MCP_MAX_TIMEOUT * 1000,
    maxServers: v.MCP_MAX_SERVERS,
    maxMessageBytes: v.MCP_MAX_MESSAGE_BYTES,
    maxResultBytes: v.MCP_MAX_RESULT_BYTES,
    maxTokens: v.MCP_MAX_TOKENS,
    hyperragFolders: v.HYPERRAG_FOLDERS,
    twin: {
      passphrase: v.TWIN_PASSPHRASE,
      keyFile: v.TWIN_KEY_FILE ?? twinKeyFile(dataDir),
      usesKeychain: v.TWIN_KEYCHAIN,
      minPeople: v.TWIN_MIN_PEOPLE,
      epsilon: v.TWIN_EPSILON,
      epsilonBudget: v.TWIN_EPSILON_BUDGET,
    },
    fogListen: v.FOG_LISTEN,
    modelEndpoint:
      v.FORGE_MODEL_URL === undefined
        ? undefined
        : { url: v.FORGE_MODEL_URL, apiKey: v.FORGE_MODEL_KEY, model: v.FORGE_MODEL_NAME },
    peers: {
      listen: v.P2P_LISTEN,
      bootstrap: v.P2P_BOOTSTRAP,
      networkKey: v.P2P_NETWORK_KEY,
      mdns: v.P2P_MDNS,
      circuits: {
        relay: v.BETANET_RELAY,
        mixingMs: v.BETANET_MIXING_MS,
        coverPerSecond: v.BETANET_COVER_PER_SECOND,
        operator: v.BETANET_OPERATOR,
      },
    },
    hyperragMaxPassages: v.HYPERRAG_MAX_PASSAGES,
    hyperragEmbedder: v.HYPERRAG_EMBEDDER && { ...v.HYPERRAG_EMBEDDER, key: v.HYPERRAG_EMBEDDER_KEY },
    healthCheckIntervalMs: v.MCP_HEALTH_CHECK_INTERVAL * 1000,
    auditRetentionDays: v.MCP_AUDIT_LOG_RETENTION,
    auditDurability: v.MCP_AUDIT_DURABILITY,
    heartbeatIntervalMs: v.MCP_HEARTBEAT_INTERVAL * 1000,
    connectionTimeoutMs: v.MCP_CONNECTION_TIMEOUT * 1000,
    sessionTimeoutMs: v.MCP_SESSION_TIMEOUT * 1000,
    emergencyStopTimeoutMs: v.MCP_EMERGENCY_STOP_TIMEOUT * 1000,
    warnings: [...warnOfNames(env), ...warnOfFolders(dataDir, checkpointDir)],
  };
}

/** Beside the data folder, so that who takes that away has not got the key. */
export function twinKeyFile(dataDir: string): string {
  return path.join(`${dataDir}-keys`, 'twin-key');
}

/** The same settings as variables, for the process of the twins. */
export function twinEnvironment({ twin }: Settings): Record<string, string> {
  return {
    ...(twin.passphrase === undefined ? {} : { TWIN_PASSPHRASE: twin.passphrase }),
    TWIN_KEY_FILE: twin.keyFile,
    TWIN_KEYCHAIN: twin.usesKeychain ? '1' : '0',
    TWIN_MIN_PEOPLE: String(twin.minPeople),
    TWIN_EPSILON: String(twin.epsilon),
    TWIN_EPSILON_BUDGET: String(twin.epsilonBudget),
  };
}

/** Names of the variables whose value must never be shown, logged or handed to a server. */
export const SECRET_VARIABLES: ReadonlySet<string> = new Set(
  Object.entries(VARIABLES.shape)
    .filter(([, schema]) => schema.meta()?.secret === true)
    .map(([name]) => name),
);

/** One variable for the README: its name, its default as text, and what it is for. */
export interface SettingRow {
  readonly name: string;
  readonly default: string;
  readonly meaning: string;
}

export function listSettings(): SettingRow[] {
  return Object.entries(VARIABLES.shape).map(([name, schema]) => {
    const meta = schema.meta();
    const byDefault = schema.safeParse(undefined).data;
    const shown = byDefault === undefined || Array.isArray(byDefault) ? '–' : String(byDefault);
    return { name, default: String(meta?.default ?? shown), meaning: String(meta?.meaning ?? '') };
  });
}

/** The README's table, in Markdown. */
export function printSettings(): string {
  const rows = listSettings().map((row) => `| \`${row.name}\` | ${row.default} | ${row.meaning} |`);
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

function describe(issue: z.core.$ZodIssue, given: ReadonlyMap<string, string>): string {
  const name = String(issue.path[0]);
  const meta = VARIABLES.shape[name as VariableName].meta();
  const hidden = meta?.secret === true || meta?.mayHoldSecret === true;
  const remedy = issue.code === 'custom' ? issue.params?.remedy : undefined;
  const got = hidden ? cameKind(given.get(name)) : came(given.get(name));
  return `${name}: expected ${issue.message}, got ${got}.${typeof remedy === 'string' ? ` ${remedy}` : ''}`;
}

/** What variables must be to each other; looks at the texts, so that it is told beside the mistakes of single ones. */
function checkTogether(given: ReadonlyMap<string, string>): string[] {
  const mistakes: string[] = [];
  const [cert, key] = [given.has('MCP_TLS_CERT'), given.has('MCP_TLS_KEY')];
  if (cert !== key) {
    const [has, lacks] = cert ? ['MCP_TLS_CERT', 'MCP_TLS_KEY'] : ['MCP_TLS_KEY', 'MCP_TLS_CERT'];
    mistakes.push(`${lacks}: expected a path, because ${has} is set, got nothing. Set both or none.`);
  }
  const seconds = (name: VariableName) => Number(given.get(name) ?? VARIABLES.shape[name].safeParse(undefined).data);
  const [usual, most] = [seconds('MCP_DEFAULT_TIMEOUT'), seconds('MCP_MAX_TIMEOUT')];
  if (usual > most) {
    mistakes.push(`MCP_DEFAULT_TIMEOUT: expected at most MCP_MAX_TIMEOUT (${most}), got ${usual}.`);
  }
  const host = given.get('MCP_HOST') ?? '127.0.0.1';
  const isInsecureAllowed = ['1', 'true'].includes(given.get('MCP_ALLOW_INSECURE_BIND') ?? '');
  if (isHost(host) && !isLoopback(host) && !cert && !isInsecureAllowed) {
    mistakes.push(
      `MCP_HOST: expected an address of this machine only, such as 127.0.0.1, got ${came(host)}. ` +
        'Without TLS, tokens could be read on the way. ' +
        'Set MCP_TLS_CERT and MCP_TLS_KEY, or MCP_ALLOW_INSECURE_BIND=1 when something in front does TLS.',
    );
  }
  return mistakes;
}

function warnOfNames(env: Environment): string[] {
  const known = Object.keys(VARIABLES.shape);
  const foreign = Object.keys(env).filter((name) => /^(MCP|AIVILLAGE|TWIN)_/.test(name) && !known.includes(name));
  return foreign.flatMap((name) => {
    const meant = closest(name, known);
    return meant === undefined ? [] : [`${came(name)} is no setting; did you mean ${meant}?`];
  });
}

function warnOfFolders(dataDir: string, checkpointDir: string): string[] {
  const relative = path.relative(dataDir, checkpointDir);
  if (relative.startsWith('..') || path.isAbsolute(relative)) return [];
  return [
    'AIVILLAGE_CHECKPOINT_DIR lies in the data folder: whoever rolls that back takes the checkpoints along. ' +
      'Choose another place, best on another disk.',
  ];
}
