/** One entry of `mcpServers` → ServerConfig. The same for the file and for a server that is registered at run time. */
import path from 'node:path';
import { came } from '../../shared/expecting.ts';
import { isLoopback } from '../../shared/loopback.ts';
import type { Environment } from '../../shared/settings.ts';
import { DEFAULT_COMMANDS, isAllowed, isBuiltInServer, resolveCommand } from './commands.ts';
import type { RemoteServer, ServerConfig, StdioServer } from './config.ts';
import { expand } from './expand.ts';
import type { ConfigPath } from './mistake.ts';
import { isObject, type Report, readPart } from './read-part.ts';
import { copies, remoteServer, type SandboxFolders, type SecurityProfile, stdioServer } from './schema.ts';

export interface EntryContext {
  /** Relative paths are by this folder, and it is the working folder of servers that name none. */
  readonly folder: string;
  readonly allowedCommands: readonly string[] | undefined;
  readonly maxTimeoutMs: number;
  /** Fills placeholders; absent for what did not come from the owner's file: then they are plain characters (B06). */
  readonly env?: Environment;
}

/** The router's own server has this id; no other can. */
export const OWN_ID = 'router';
const SERVER_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** The entry, or undefined after reporting everything that is wrong with it. Paths begin with `at`. */
export function readServer(
  id: string,
  value: unknown,
  at: ConfigPath,
  context: EntryContext,
  report: Report,
): ServerConfig | undefined {
  let mistakes = 0;
  const counting: Report = (finding) => {
    mistakes++;
    report(finding);
  };
  const fail = (steps: ConfigPath, text: string, remedy?: string, isKey = false) =>
    counting({ path: [...at, ...steps], text, remedy, isKey });

  if (!SERVER_ID.test(id)) {
    fail(
      [],
      'expected an id of 1 to 64 letters, digits, _ or -.',
      'It is part of tool names and of the address.',
      true,
    );
  }
  if (id === OWN_ID) fail([], `expected another id: ${OWN_ID} is the router's own server.`, 'Rename it.', true);
  if (!isObject(value)) {
    fail([], `expected an object, got ${came(value)}.`);
    return undefined;
  }
  const isStdio = Object.hasOwn(value, 'command');
  if (isStdio === Object.hasOwn(value, 'url')) {
    const got = isStdio ? 'both' : 'neither';
    fail([], `expected "command" (a local server) or "url" (a remote one), got ${got}.`);
    return undefined;
  }
  const entry = fillIn(value, context.env, (steps, text, remedy) => fail(steps, text, remedy));
  // A placeholder that cannot be filled is told once, not again as a wrong command or URL.
  if (mistakes > 0) {
    readPart(isStdio ? stdioServer : remoteServer, entry, at, counting);
    return undefined;
  }
  const readOne = (filled: unknown, place: ConfigPath) =>
    isStdio ? readStdio(id, filled, value, place, context, counting) : readRemote(id, filled, place, context, counting);
  const single = readOne(entry, at);
  const server = single === undefined || mistakes > 0 ? single : withCopies(single, entry, at, readOne, counting);
  if (server?.timeoutMs !== undefined && server.timeoutMs > context.maxTimeoutMs) {
    const text = `expected at most ${context.maxTimeoutMs}, got ${server.timeoutMs}.`;
    fail(['timeoutMs'], text, 'MCP_MAX_TIMEOUT (in seconds) sets the maximum.');
  }
  return mistakes === 0 ? server : undefined;
}

/** With each copy read like an entry of its own: nothing passes in a copy that would not pass in the entry. */
function withCopies(
  server: ServerConfig,
  entry: unknown,
  at: ConfigPath,
  readOne: (filled: unknown, place: ConfigPath) => ServerConfig | undefined,
  report: Report,
): ServerConfig | undefined {
  const { replicas, ...base } = isObject(entry) ? entry : {};
  if (!Array.isArray(replicas)) return server;
  const parsed = readPart(copies, replicas, [...at, 'replicas'], report);
  if (parsed === undefined) return undefined;
  const read = parsed.map(({ priority = 1, ...written }, index) => ({
    priority,
    copy: readOne({ ...base, ...written }, [...at, 'replicas', index]),
  }));
  const stdio = read.flatMap(({ priority, copy }) => (copy?.kind === 'stdio' ? [{ priority, ...copy }] : []));
  if (server.kind === 'stdio') {
    return {
      ...server,
      isBuiltIn: stdio.every(({ isBuiltIn }) => isBuiltIn),
      copies: stdio.map(({ priority, command, args, env, cwd }) => ({ priority, command, args, env, cwd })),
    };
  }
  const remote = read.flatMap(({ priority, copy }) => (copy?.kind === 'remote' ? [{ priority, ...copy }] : []));
  return {
    ...server,
    copies: remote.map(({ priority, url, headers, allowPrivateAddress }) => ({
      priority,
      url,
      headers,
      allowPrivateAddress,
    })),
  };
}

function countOf(replicas: number | readonly unknown[]): number {
  return typeof replicas === 'number' ? replicas : replicas.length;
}

/** The folders of a sandbox as full paths; undefined where none is asked for. */
function sandboxOf({ sandbox = false }: SecurityProfile, folder: string): SandboxFolders | undefined {
  if (sandbox === false) return undefined;
  const { network, readable, writable } = sandbox === true ? { network: false, readable: [], writable: [] } : sandbox;
  const whole = (paths: readonly string[]) => paths.map((each) => path.resolve(folder, each));
  return { network, readable: whole(readable), writable: whole(writable) };
}

function readStdio(
  id: string,
  entry: unknown,
  written: Readonly<Record<string, unknown>>,
  at: ConfigPath,
  { folder, allowedCommands }: EntryContext,
  report: Report,
): StdioServer | undefined {
  const parsed = readPart(stdioServer, entry, at, report);
  if (parsed === undefined) return undefined;
  const { command, args, env, assertion, securityProfile, prefix, timeoutMs, startTimeoutMs } = parsed;
  const cwd = path.resolve(folder, parsed.cwd ?? '.');
  if (!isAllowed(command, folder, allowedCommands)) {
    const names = allowedCommands ?? DEFAULT_COMMANDS;
    report({
      path: [...at, 'command'],
      text: `expected an allowed command (${names.join(', ') || 'none is'}), got ${came(written.command)}.`,
      remedy: `Add it to router.allowedCommands${allowedCommands === undefined ? ', or write its full path' : ''}.`,
      isKey: false,
    });
  }
  if (command.startsWith('~/')) {
    const text = `expected a path, got ${came(written.command)}, which only a shell understands.`;
    report({ path: [...at, 'command'], text, remedy: `Write "\${HOME}${command.slice(1)}".`, isKey: false });
  }
  const isBuiltIn = isBuiltInServer(id, { command, args, env, cwd });
  const sandbox = sandboxOf(securityProfile ?? {}, folder);
  return {
    kind: 'stdio',
    ...(sandbox === undefined ? {} : { sandbox }),
    id,
    command: resolveCommand(command, folder),
    args,
    env,
    cwd,
    isBuiltIn,
    assertion: assertion ?? isBuiltIn,
    isolation: parsed.isolation,
    replicas: countOf(parsed.replicas),
    strategy: parsed.strategy,
    disabled: parsed.disabled,
    prefix,
    securityProfile,
    timeoutMs,
    startTimeoutMs,
  };
}

function readRemote(
  id: string,
  entry: unknown,
  at: ConfigPath,
  context: EntryContext,
  report: Report,
): RemoteServer | undefined {
  const parsed = readPart(remoteServer, entry, at, report);
  if (parsed === undefined) return undefined;
  const { url: text, headers, type, assertion, securityProfile, prefix, timeoutMs, startTimeoutMs } = parsed;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    report({
      path: [...at, 'url'],
      text: 'expected an http or https URL, got something else.',
      remedy: undefined,
      isKey: false,
    });
    return undefined;
  }
  if (url.username !== '' || url.password !== '') {
    const remedy = 'Write it as a header: "headers": { "Authorization": "Bearer …" }.';
    report({ path: [...at, 'url'], text: 'expected no user or password in the URL.', remedy, isKey: false });
  }
  if ((securityProfile?.sandbox ?? false) !== false) {
    const wrong = 'expected no sandbox: the process of a remote server is not ours to put into one.';
    report({ path: [...at, 'securityProfile', 'sandbox'], text: wrong, remedy: 'Remove it.', isKey: false });
  }
  return {
    kind: 'remote',
    id,
    url: url.href,
    headers,
    transport: type === undefined ? undefined : type === 'sse' ? 'sse' : 'streamable-http',
    // What the owner's file says of this machine is meant; what is registered must say so.
    allowPrivateAddress: parsed.allowPrivateAddress ?? (context.env !== undefined && isLoopback(url.hostname)),
    isBuiltIn: false,
    assertion: assertion ?? false,
    isolation: parsed.isolation,
    replicas: countOf(parsed.replicas),
    strategy: parsed.strategy,
    disabled: parsed.disabled,
    prefix,
    securityProfile,
    timeoutMs,
    startTimeoutMs,
  };
}

/** The entry with the placeholders of command, args, env, cwd, url and headers filled in. */
function fillIn(
  value: Readonly<Record<string, unknown>>,
  env: Environment | undefined,
  fail: (steps: ConfigPath, text: string, remedy: string) => void,
): unknown {
  if (env === undefined) return value;
  const fill = (item: unknown, steps: ConfigPath): unknown => {
    if (typeof item === 'string') {
      const { text, mistakes } = expand(item, env);
      for (const mistake of mistakes) fail(steps, mistake.text, mistake.remedy);
      return text;
    }
    if (Array.isArray(item)) return item.map((inner, index) => fill(inner, [...steps, index]));
    if (!isObject(item)) return item;
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, fill(inner, [...steps, key])]));
  };
  const filled = ['command', 'args', 'env', 'cwd', 'url', 'headers', 'replicas'];
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, filled.includes(key) ? fill(item, [key]) : item]),
  );
}
