/** Checks what the router runs on and starts: Node, SQLite, the commands of servers, bubblewrap. Starts no server. */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { execa } from 'execa';
import type { Environment } from '../../../shared/settings.ts';
import type { Config, StdioServer } from '../../config/config.ts';
import { type Check, codeOf, ok, problem, warning } from './check.ts';

const NEEDED_NODE = [22, 19] as const;

/** @param version such as `v24.21.0` */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isNewEnough = major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1]);
  if (isNewEnough) return ok('node', `${version}.`);
  return problem('node', `${version} is too old.`, `Install Node ${NEEDED_NODE.join('.')} or newer.`);
}

/** Opens a database in memory with what the stores need: full text search. */
export function checkSqlite(): Check {
  try {
    const db = new Database(':memory:');
    try {
      db.exec("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter')");
      return ok(
        'sqlite',
        `version ${String(db.prepare('SELECT sqlite_version()').pluck().get())}, with full text search.`,
      );
    } finally {
      db.close();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return problem('sqlite', `it does not load: ${why}`, 'Run "npm install" again with this version of Node.');
  }
}

/** Whether each server's command would be found. */
export function checkCommands(config: Config, env: Environment): Check[] {
  const servers = [...config.servers.values()].filter(
    (server): server is StdioServer => server.kind === 'stdio' && !server.disabled,
  );
  return servers.map((server) => {
    const component = `server ${server.id}`;
    if (!fs.existsSync(server.cwd)) {
      return problem(component, `its folder ${server.cwd} is not there.`, 'Correct "cwd" in the configuration.');
    }
    // Servers that run on Node get the one that runs the router.
    const found = server.command === 'node' ? process.execPath : findCommand(server.command, env);
    if (found !== undefined) return ok(component, `${server.command} is ${found}.`);
    const remedy = path.isAbsolute(server.command)
      ? 'Correct "command" in the configuration, or make the file executable.'
      : `Install it, put its folder on PATH, or write its full path as "command".`;
    return problem(component, `${server.command} is not found.`, remedy);
  });
}

/** The file that a command of this name would start, by PATH (and PATHEXT on Windows). */
export function findCommand(command: string, env: Environment): string | undefined {
  const isWindows = process.platform === 'win32';
  const endings = isWindows ? ['', ...(env.PATHEXT ?? '.COM;.EXE;.BAT;.CMD').split(';')] : [''];
  const folders = path.isAbsolute(command) ? [''] : (env.PATH ?? env.Path ?? '').split(path.delimiter).filter(Boolean);
  for (const folder of folders) {
    for (const ending of endings) {
      const file = path.join(folder, command + ending);
      if (isExecutable(file)) return file;
    }
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs `true` in a sandbox, because bubblewrap may be there and still not be allowed to (user namespaces).
 * @param config what asks for a sandbox; undefined when it cannot be read
 */
export async function checkSandbox(config: Config | undefined, env: Environment): Promise<Check> {
  const asking = [...(config?.servers.values() ?? [])].filter(
    (server) => server.kind === 'stdio' && server.sandbox !== undefined,
  );
  const names = asking.map(({ id }) => id).join(', ');
  const found = process.platform === 'linux' ? findCommand('bwrap', env) : undefined;
  const lacking = (finding: string, remedy: string) =>
    asking.length > 0
      ? problem('bubblewrap', `${finding} ${names} will be refused.`, remedy)
      : warning('bubblewrap', `${finding} No server asks for a sandbox.`, remedy);
  if (found === undefined) {
    const how = process.platform === 'linux' ? 'Install it (Debian: apt-get install bubblewrap).' : 'It needs Linux.';
    return lacking('it is not found.', how);
  }
  try {
    await execa(found, ['--ro-bind', '/', '/', '--unshare-all', '--die-with-parent', 'true'], { timeout: 5_000 });
    return ok('bubblewrap', `${found} works.`);
  } catch (error) {
    const code = error instanceof Error && 'exitCode' in error ? `exit ${String(error.exitCode)}` : codeOf(error);
    const remedy = 'Allow user namespaces (sysctl kernel.unprivileged_userns_clone, or the AppArmor profile of bwrap).';
    return lacking(`${found} cannot make a sandbox (${code}).`, remedy);
  }
}
