/** Which commands may start a stdio server (S6), and whether an entry is one of this program's own servers. Starts nothing. */
import fs from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../package-folder.ts';

/** Launchers that MCP servers are usually written for. Shells are not among them. */
export const DEFAULT_COMMANDS: readonly string[] = [
  'node',
  'npx',
  'uvx',
  'uv',
  'python',
  'python3',
  'docker',
  'bunx',
  'deno',
  'bun',
  'podman',
];

const BUILT_IN_SERVERS: readonly string[] = ['hyperrag', 'governance', 'p2p', 'digital-twin', 'fog', 'monitoring'];

/** The launcher of this program: `router/bin/aivillage.mjs`. */
export const LAUNCHER = path.join(PACKAGE_FOLDER, 'router/bin/aivillage.mjs');

function isPath(command: string): boolean {
  return /[/\\]/.test(command) || path.isAbsolute(command);
}

/** The command as it will be started: a path becomes whole, by the folder of the file; a name stays for PATH. */
export function resolveCommand(command: string, folder: string): string {
  return isPath(command) ? path.resolve(folder, command) : command;
}

/**
 * Without a list of its own the file may use the usual launchers and any path that its owner wrote; a list is exact.
 * @param allowed `router.allowedCommands`
 */
export function isAllowed(command: string, folder: string, allowed: readonly string[] | undefined): boolean {
  if (allowed === undefined) return isPath(command) || DEFAULT_COMMANDS.includes(command);
  const resolved = resolveCommand(command, folder);
  return allowed.some((item) => resolveCommand(item, folder) === resolved);
}

/** True only for exactly `node <launcher> serve <id>` of this very installation, with an environment that cannot bend it. */
export function isBuiltInServer(
  id: string,
  {
    command,
    args,
    env,
    cwd,
  }: { command: string; args: readonly string[]; env: Readonly<Record<string, string>>; cwd: string },
): boolean {
  const [launcher, verb, served, transport, ...more] = args;
  if (!BUILT_IN_SERVERS.includes(id) || verb !== 'serve' || served !== id || launcher === undefined) return false;
  if (more.length > 0 || (transport !== undefined && transport !== '--stdio')) return false;
  if (command !== 'node' && command !== process.execPath) return false;
  if (Object.keys(env).some((name) => /^(NODE_|LD_|DYLD_|PATH$)/i.test(name))) return false;
  const started = realPath(path.resolve(cwd, launcher));
  return started !== undefined && started === realPath(LAUNCHER);
}

function realPath(file: string): string | undefined {
  try {
    return fs.realpathSync(file);
  } catch {
    return undefined;
  }
}

/** How a launcher is told to run a text, or to load something before the program. */
interface Launcher {
  /** Options, or first words, that do. */
  readonly code: RegExp;
  /** Options that take no value of their own: the word behind them is not theirs. */
  readonly flags: RegExp;
}

const PYTHON: Launcher = { code: /^-[A-Za-z]*c/, flags: /^-[bBdEhiIOPqsSuvVx]+$/ };
const BUN: Launcher = {
  code: /^(?:-[A-Za-z]*[epr]$|--(?:eval|print|preload|require|import)\b)/,
  flags: /^(?:--(?:bun|smol|silent|hot|watch|no-install)|-b)$/,
};
const LAUNCHERS: ReadonlyMap<string, Launcher> = new Map([
  [
    'node',
    {
      code: /^(?:-$|-[A-Za-z]*[epri]$|--(?:eval|print|require|import|loader|experimental-loader|interactive|env-file|env-file-if-exists|build-snapshot-config|experimental-config-file|inspect|inspect-brk)\b)/,
      flags: /^--(?:no-.*|experimental-.*|enable-source-maps|trace-.*|throw-deprecation|use-.*)$/,
    },
  ],
  [
    'npx',
    {
      code: /^(?:-c|--call|--script-shell|--node-options|--shell)\b/,
      flags: /^(?:-y|--yes|-q|--quiet|--no|--no-install|--prefer-offline)$/,
    },
  ],
  ['python', PYTHON],
  ['python3', PYTHON],
  ['bun', BUN],
  ['bunx', BUN],
  [
    'deno',
    { code: /^(?:eval|repl)$|^--(?:preload|import|require)\b/, flags: /^(?:run|-A|-q|--quiet|--allow-.*|--no-.*)$/ },
  ],
  ['uv', { code: /^-$/, flags: /^(?:run|tool|-q|--quiet|--offline|--no-.*)$/ }],
]);

/**
 * True when a launcher is told to run a text instead of a program (D01), or when that cannot be ruled out: a word behind an
 * option may be the option's value, so what follows it is looked at too.
 */
export function runsInlineCode({ command, args }: { command: string; args: readonly string[] }): boolean {
  const launcher = LAUNCHERS.get(path.basename(command));
  if (launcher === undefined) return false;
  // Without a program it reads one from its input: that is what callers send.
  if (args.length === 0) return /^(?:node|python3?|bun|deno)$/.test(path.basename(command));
  for (const [index, arg] of args.entries()) {
    if (launcher.code.test(arg)) return true;
    const before = args[index - 1];
    const isValue = before?.startsWith('-') === true && !before.includes('=') && !launcher.flags.test(before);
    if (!arg.startsWith('-') && !isValue && !launcher.flags.test(arg)) return false;
  }
  return false;
}
