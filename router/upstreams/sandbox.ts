/**
 * Starts a stdio server within bubblewrap (S6): the system read-only, a /tmp of its own, the folders that its entry names, no
 * process and, unless allowed, no network but its own. What cannot be had is refused; nothing runs without what was asked for.
 */
import { constants } from 'node:fs';
import { access, lstat, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import { execa } from 'execa';
import { AppError } from '../../shared/errors.ts';
import type { SandboxFolders } from '../config/config.ts';
import type { Command } from './stdio.ts';

const BWRAP = 'bwrap';
/** What programs need of the system; links such as /bin → usr/bin are made again as links. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Of /etc only what linking, names, time and certificates need. */
const SYSTEM_FILES = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/localtime',
  '/etc/nsswitch.conf',
  '/etc/passwd',
  '/etc/group',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/pki/tls/certs',
  '/etc/ca-certificates',
];
const NETWORK_FILES = ['/etc/resolv.conf', '/etc/hosts', '/etc/host.conf', '/etc/services'];
const TRY_MS = 5_000;

let possible: Promise<void> | undefined;

/**
 * The command within its sandbox. Environment and streams are passed through as they are: no secret stands among arguments.
 * @param cwd the working folder: seen, and not written to unless `writable` has it
 * @throws AppError CONNECTION_FAILED when this machine can make no sandbox, or a folder is not there
 */
export async function sandboxed(command: Command, cwd: string, folders: SandboxFolders): Promise<Command> {
  possible ??= tryOut();
  try {
    await possible;
  } catch (error) {
    // Tried anew at the next start: bubblewrap may have been installed since.
    possible = undefined;
    throw error;
  }
  const program = await findProgram(command.command);
  const readable = [...programFolders(program), cwd, ...folders.readable];
  for (const folder of [...readable, ...folders.writable]) await mustBeThere(folder);
  const args = [
    ...['--unshare-all', ...(folders.network ? ['--share-net'] : []), '--die-with-parent', '--cap-drop', 'ALL'],
    ...(await Promise.all(SYSTEM.map(systemFolder))).flat(),
    ...[...SYSTEM_FILES, ...(folders.network ? NETWORK_FILES : [])].flatMap((file) => ['--ro-bind-try', file, file]),
    ...[
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '--tmpfs',
      '/tmp',
      '--setenv',
      'TMPDIR',
      '/tmp',
      '--setenv',
      'HOME',
      '/tmp',
    ],
    ...readable.flatMap((folder) => ['--ro-bind', folder, folder]),
    ...folders.writable.flatMap((folder) => ['--bind', folder, folder]),
    ...['--chdir', cwd, '--', program, ...command.args],
  ];
  return { command: BWRAP, args };
}

/** Runs nothing in a sandbox, because bubblewrap may be there and still not be allowed to (user namespaces). */
async function tryOut(): Promise<void> {
  const args = [
    '--ro-bind',
    '/',
    '/',
    '--unshare-all',
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    'true',
  ];
  try {
    await execa(BWRAP, args, { timeout: TRY_MS });
  } catch (cause) {
    throw refused('this machine cannot make one; "aivillage doctor" says what is missing', cause);
  }
}

function refused(why: string, cause?: unknown): AppError {
  const text = `The server is to run in a sandbox, and ${why}. It was not started`;
  // The log shows the cause of a failed start; its owner must read these words there.
  return new AppError('CONNECTION_FAILED', { text, cause: new Error(text, { cause }) });
}

async function systemFolder(folder: string): Promise<string[]> {
  const found = await lstat(folder).catch(() => undefined);
  if (found === undefined) return [];
  return found.isSymbolicLink() ? ['--symlink', await readlink(folder), folder] : ['--ro-bind', folder, folder];
}

/** The program itself where it lies outside the system, such as the Node that came with this package. */
function programFolders(program: string): string[] {
  return SYSTEM.some((folder) => program.startsWith(`${folder}/`)) ? [] : [program];
}

async function findProgram(command: string): Promise<string> {
  const folders = command.includes('/') ? [''] : (getDefaultEnvironment().PATH ?? '').split(path.delimiter);
  for (const folder of folders) {
    const file = path.join(folder, command);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return realpath(file);
  }
  throw refused(`its command ${command} is not found`);
}

async function mustBeThere(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) throw refused(`${folder} is not there`);
}
