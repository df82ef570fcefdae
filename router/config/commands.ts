/** Which commands may start a stdio server (S6), and whether an entry is one of this program's own servers. Starts nothing. */
import fs from 'node:fs';
import path from 'node:path';

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

export const BUILT_IN_SERVERS: readonly string[] = [
  'hyperrag',
  'governance',
  'p2p',
  'digital-twin',
  'fog',
  'monitoring',
];

/** The launcher of this program: `router/bin/aivillage.mjs`. */
export const LAUNCHER = path.resolve(import.meta.dirname, '../bin/aivillage.mjs');

export function isPath(command: string): boolean {
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

/** By launcher: options, before the program's name, whose value is run as code or loaded before the program. */
const CODE_OPTIONS: ReadonlyMap<string, RegExp> = new Map([
  ['node', /^(?:-[A-Za-z]*[epr]$|--(?:eval|print|require|import|loader|experimental-loader)\b)/],
  ['npx', /^(?:-c$|--call\b)/],
  ['python', /^-[A-Za-z]*c/],
  ['python3', /^-[A-Za-z]*c/],
  ['bun', /^(?:-[A-Za-z]*[epr]$|--(?:eval|print|preload|require|import)\b)/],
  ['bunx', /^(?:-[A-Za-z]*[epr]$|--(?:eval|print|preload|require|import)\b)/],
  ['deno', /^(?:eval|repl)$/],
]);

/** True when a launcher is told to run a text instead of a program (D01). */
export function runsInlineCode({ command, args }: { command: string; args: readonly string[] }): boolean {
  const options = CODE_OPTIONS.get(path.basename(command));
  if (options === undefined) return false;
  const program = args.findIndex((arg) => !arg.startsWith('-'));
  return args.slice(0, program < 0 ? args.length : program + 1).some((arg) => options.test(arg));
}
