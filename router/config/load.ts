/**
 * mcp-servers.json → Config: every mistake at once with file, line and column, or a Config that needs no further doubt.
 * Starts no server and changes nothing. README.md beside this says what the file may hold.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { EconomyRulesError, readEconomyRules } from '../../shared/economy-rules.ts';
import { came } from '../../shared/expecting.ts';
import type { Program } from '../../shared/fog-rules.ts';
import { ForgeRulesError, NO_FORGE_RULES, readForgeRules } from '../../shared/forge-rules.ts';
import { LEVELS } from '../../shared/identity/levels.ts';
import { permits } from '../../shared/identity/roles.ts';
import { createMatrix } from '../../shared/matrix/matrix.ts';
import { BUILT_IN_ROWS } from '../../shared/permission-matrix.ts';
import type { Environment, Settings } from '../../shared/settings.ts';
import {
  DEFAULT_VOTER_LEVELS,
  readVotingRules,
  type VotingRules,
  VotingRulesError,
} from '../../shared/voting-rules.ts';
import { PACKAGE_FOLDER } from '../package-folder.ts';
import type { AgentConfig, Config, PermissionRow, ServerConfig, Village } from './config.ts';
import { type Document, parseDocument } from './document.ts';
import { readFog } from './fog-part.ts';
import { ConfigError, type ConfigPath, type Mistake, printMistake } from './mistake.ts';
import { isObject, type Report, readPart, reportUnknownKey } from './read-part.ts';
import { agent, permissionRow, router } from './schema.ts';
import { type EntryContext, readServer } from './server-entry.ts';

export type ConfigLimits = Pick<Settings, 'maxServers' | 'maxTimeoutMs'>;

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_AGENTS = 10_000;
const MAX_ROWS = 10_000;
const PARTS = ['mcpServers', 'agents', 'permissions', 'governance', 'fog', 'economy', 'forge', 'router', '$schema'];
/** What an agent type of the fog runs that names no command. */
const RESIDENT_FOLDER = path.resolve(import.meta.dirname, '../../servers/fog/resident');
const RESIDENT: Program = {
  command: 'node',
  args: [path.join(RESIDENT_FOLDER, 'main.mjs')],
  sandbox: true,
  network: false,
  readable: [RESIDENT_FOLDER],
  health: 'ping',
};
const AGENT_NAME = /^[A-Za-z0-9][\w.@:-]{0,127}$/;

/** The file that is meant when none is named: the data folder's own, else the one that came with the program. */
export function findConfigFile({ configFile, dataDir }: Pick<Settings, 'configFile' | 'dataDir'>): string {
  if (configFile !== undefined) return configFile;
  const own = path.join(dataDir, 'mcp-servers.json');
  return fs.existsSync(own) ? own : path.join(PACKAGE_FOLDER, 'mcp-servers.json');
}

/**
 * Reads the file.
 * @param env what placeholders are filled from
 * @throws ConfigError with every mistake
 */
export function loadConfig(
  file: string,
  env: Environment,
  limits: ConfigLimits = { maxServers: 100, maxTimeoutMs: 600_000 },
): Config {
  const whole = path.resolve(file);
  return readConfig(readBytes(whole), whole, env, limits);
}

/** The same for contents that were read already. */
export function readConfig(bytes: Buffer, file: string, env: Environment, limits: ConfigLimits): Config {
  const document = parseDocument(decode(bytes, file), file);
  const mistakes: Mistake[] = [];
  const report: Report = ({ path, text, remedy, isKey }) =>
    void mistakes.push({ ...(isKey ? document.locateKey(path) : document.locate(path)), path, text, remedy });
  const root = document.value;
  if (!isObject(root)) {
    report({ path: [], text: `expected an object, got ${came(root)}.`, remedy: undefined, isKey: false });
    throw new ConfigError(mistakes);
  }
  for (const key of Object.keys(root)) if (!PARTS.includes(key)) reportUnknownKey([key], PARTS, report);

  const part = (key: string) => (Object.hasOwn(root, key) ? root[key] : undefined);
  const routerConfig = readPart(router, part('router') ?? {}, ['router'], report);
  const context: EntryContext = {
    folder: path.dirname(file),
    allowedCommands: routerConfig?.allowedCommands,
    maxTimeoutMs: limits.maxTimeoutMs,
    env,
  };
  const servers = readServers(part('mcpServers'), limits.maxServers, context, report);
  const { agents, permissions, ...followed } = readVillage(part, path.dirname(file), report);
  const matrix = createMatrix({ builtIn: BUILT_IN_ROWS, configured: permissions, permits });
  for (const { path: steps, text } of matrix.mistakes) report({ path: steps, text, remedy: undefined, isKey: false });
  if (mistakes.length > 0 || routerConfig === undefined) throw new ConfigError(mistakes);
  return {
    file,
    digest: createHash('sha256').update(bytes).digest('hex'),
    servers,
    agents,
    permissions,
    ...followed,
    router: routerConfig,
    warnings: warn(document, file, root, servers, permissions),
    locate: document.locate,
  };
}

/**
 * Only what all servers of the village go by; servers and the router's own settings are not looked at, and no placeholder is
 * filled in, so that a server can read it that lacks the router's environment.
 * @throws ConfigError with every mistake in these parts
 */
export function loadVillage(file: string): Village {
  const whole = path.resolve(file);
  const document = parseDocument(decode(readBytes(whole), whole), whole);
  const root = isObject(document.value) ? document.value : {};
  const mistakes: Mistake[] = [];
  const village = readVillage(
    (key) => (Object.hasOwn(root, key) ? root[key] : undefined),
    path.dirname(whole),
    ({ path: at, text, remedy, isKey }) =>
      void mistakes.push({ ...(isKey ? document.locateKey(at) : document.locate(at)), path: at, text, remedy }),
  );
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return village;
}

function readVillage(part: (key: string) => unknown, folder: string, report: Report): Village {
  const agents = readAgents(part('agents') ?? {}, report);
  const permissions = readRows(part('permissions') ?? [], report);
  return {
    agents,
    permissions,
    governance: readGovernance(part('governance'), agents, report),
    fog: readFog(part('fog'), folder, RESIDENT, report),
    economy: readRules('economy', () => readEconomyRules(part('economy')), readEconomyRules(undefined), report),
    forge: readRules('forge', () => readForgeRules(part('forge'), folder), NO_FORGE_RULES, report),
  };
}

/** A part that says itself what is wrong with it. */
function readRules<Rules>(key: string, read: () => Rules, otherwise: Rules, report: Report): Rules {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof EconomyRulesError || error instanceof ForgeRulesError)) throw error;
    for (const { path: at, text } of error.mistakes) {
      report({ path: [key, ...at], text: `${text}.`, remedy: undefined, isKey: false });
    }
    return otherwise;
  }
}

/** Unless it is configured, king, sage and curator vote, with the levels that `agents` gives them, if it names them. */
function readGovernance(section: unknown, agents: ReadonlyMap<string, AgentConfig>, report: Report): VotingRules {
  const levels = new Map([...agents].map(([name, { level }]) => [name, LEVELS[level]]));
  try {
    return readVotingRules(section, section === undefined ? new Map([...DEFAULT_VOTER_LEVELS, ...levels]) : levels);
  } catch (error) {
    if (!(error instanceof VotingRulesError)) throw error;
    for (const { path: at, text } of error.mistakes) {
      const remedy =
        section === undefined ? 'These are the defaults; write a "governance" section of your own.' : undefined;
      report({ path: section === undefined ? [] : ['governance', ...at], text: `${text}.`, remedy, isKey: false });
    }
    return readVotingRules(undefined);
  }
}

function readServers(value: unknown, max: number, context: EntryContext, report: Report): Map<string, ServerConfig> {
  const servers = new Map<string, ServerConfig>();
  const entries = entriesOf(value, 'mcpServers', 'servers by their ids', report);
  if (entries.length > max) {
    const text = `expected at most ${max} servers, got ${entries.length}.`;
    report({ path: ['mcpServers'], text, remedy: 'MCP_MAX_SERVERS sets the maximum.', isKey: false });
  }
  for (const [id, entry] of entries) {
    const server = readServer(id, entry, ['mcpServers', id], context, report);
    if (server !== undefined) servers.set(id, server);
  }
  return servers;
}

function readAgents(value: unknown, report: Report): Map<string, AgentConfig> {
  const agents = new Map<string, AgentConfig>();
  const entries = entriesOf(value, 'agents', 'agents by their names', report);
  if (entries.length > MAX_AGENTS) {
    const text = `expected at most ${MAX_AGENTS} agents, got ${entries.length}.`;
    report({ path: ['agents'], text, remedy: undefined, isKey: false });
  }
  for (const [name, entry] of entries) {
    if (!AGENT_NAME.test(name)) {
      const text = 'expected a name of at most 128 letters, digits, _, ., @, : or -, beginning with a letter or digit.';
      report({ path: ['agents', name], text, remedy: "It is the `sub` of the agent's tokens.", isKey: true });
    }
    const parsed = readPart(agent, entry, ['agents', name], report);
    if (parsed !== undefined) agents.set(name, parsed);
  }
  return agents;
}

function readRows(value: unknown, report: Report): PermissionRow[] {
  if (!Array.isArray(value) || value.length > MAX_ROWS) {
    const got = Array.isArray(value) ? `${value.length}` : came(value);
    const text = `expected a list of at most ${MAX_ROWS} rows, got ${got}.`;
    report({ path: ['permissions'], text, remedy: undefined, isKey: false });
    return [];
  }
  return value.flatMap((row, index) => readPart(permissionRow, row, ['permissions', index], report) ?? []);
}

function entriesOf(value: unknown, key: string, what: string, report: Report): [string, unknown][] {
  if (isObject(value)) return Object.entries(value);
  report({ path: [key], text: `expected an object of ${what}, got ${came(value)}.`, remedy: undefined, isKey: false });
  return [];
}

function warn(
  document: Document,
  file: string,
  root: Readonly<Record<string, unknown>>,
  servers: ReadonlyMap<string, ServerConfig>,
  permissions: readonly PermissionRow[],
): string[] {
  const at = (path: ConfigPath, text: string) =>
    printMistake({ ...document.locate(path), path, text, remedy: undefined });
  const warnings = warnOfRights(file).map((text) => at([], text));
  const entries = isObject(root.mcpServers) ? Object.entries(root.mcpServers) : [];
  for (const [id, entry] of entries) {
    if (isObject(entry) && Object.hasOwn(entry, 'timeout')) {
      warnings.push(at(['mcpServers', id, 'timeout'], '"timeout" is for hosts; here "timeoutMs" holds.'));
    }
    const server = servers.get(id);
    if (server?.isolation === 'session' && server.replicas > 1 && server.copies === undefined) {
      const text = 'copies are not shared among sessions with "isolation": "session"; "replicas" has no effect.';
      warnings.push(at(['mcpServers', id, 'replicas'], text));
    }
  }
  for (const [index, { match }] of permissions.entries()) {
    const owner = /^([A-Za-z0-9_-]+)\/[^/]*$/.exec(match)?.[1];
    if (owner !== undefined && !servers.has(owner)) {
      warnings.push(at(['permissions', index, 'match'], `no server ${owner} stands in this file.`));
    }
  }
  return warnings;
}

/** Whoever can write the file can start programs as its reader. */
function warnOfRights(file: string): string[] {
  if (process.platform === 'win32') return [];
  const warnings: string[] = [];
  const [own, folder] = [fs.statSync(file, { throwIfNoEntry: false }), fs.statSync(path.dirname(file))];
  if (own === undefined) return warnings;
  if ((own.mode & 0o002) !== 0) warnings.push('everyone may write this file, and so start programs as you: chmod o-w.');
  else if ((folder.mode & 0o1002) === 0o002) {
    warnings.push("everyone may write this file's folder, and so replace the file: chmod o-w.");
  }
  if (own.uid !== 0 && own.uid !== process.getuid?.()) {
    warnings.push(`the file belongs to another user (uid ${own.uid}), who can start programs as you.`);
  }
  return warnings;
}

function readBytes(file: string): Buffer {
  try {
    const stat = fs.statSync(file);
    if (stat.isFile() && stat.size <= MAX_FILE_BYTES) return fs.readFileSync(file);
    const got = stat.isDirectory() ? 'a folder' : stat.isFile() ? `${stat.size}` : 'something else';
    throw unreadable(file, `expected a file of at most ${MAX_FILE_BYTES} bytes, got ${got}.`);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const remedy = 'Name another with --config or AIVILLAGE_CONFIG, or write { "mcpServers": {} } into it.';
    const why = code === 'ENOENT' ? 'there is no such file.' : `it cannot be read (${code}).`;
    throw unreadable(file, why, remedy);
  }
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unreadable(file, 'expected text in UTF-8, got other bytes.', 'Save it as UTF-8.');
  }
}

function unreadable(file: string, text: string, remedy?: string): ConfigError {
  return new ConfigError([{ file, line: 1, column: 1, path: [], text, remedy }]);
}
