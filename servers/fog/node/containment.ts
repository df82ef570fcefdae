/**
 * Builds the command line that a run is started with: bubblewrap where it is to be had, another user when we are root, and a shell
 * that limits itself and tells the processor time in the end. Starts nothing but the one trial at the beginning.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../../shared/errors.ts';
import type { RunSpec } from './limits.ts';

/** How the processes of a run are held together. */
export interface Containment {
  /** A process namespace by bubblewrap: when its first process dies, the kernel ends all. Without: group, mark and user. */
  readonly hasNamespaces: boolean;
  /** Why not, in words. */
  readonly why: string | undefined;
  /** Root can give each run a user of its own. */
  readonly isRoot: boolean;
}

export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Of the run, when it has its own. */
  readonly uid: number | undefined;
}

/** Marks the processes of a run that has no namespace. */
export const RUN_MARK = 'AIVILLAGE_FOG_RUN';

/** The working folder in the sandbox, in memory and no larger than the run may write. */
const WORK_FOLDER = '/fog-work';
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';
/** Users of runs; no account has these numbers. */
const FIRST_UID = 2_000_000_000;
const UIDS = 100_000;
/** A program may set aside more than it uses (a JavaScript engine does); what it uses is watched. */
const DATA_ALLOWANCE_BYTES = 768 * 1024 * 1024;
/**
 * `times` prints two lines: the shell's own processor time, then that of what it waited for. SIGTERM is for the program. A shell that
 * cannot limit itself starts nothing; one that can waits until it is let through.
 */
const WRAPPER = 'trap : TERM; read -r go <&4 || exit 124; "$@" 3>&- 4<&-; code=$?; times >&3; exit $code';
/** What the shell says on its third stream instead of the times. */
export const UNLIMITED = 'unlimited';
const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/etc/alternatives', '/etc/ld.so.cache'];
const NETWORK_FILES = ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf', '/etc/ssl', '/etc/ca-certificates'];

/** Tries bubblewrap once. */
export async function findContainment(): Promise<Containment> {
  const isRoot = process.getuid?.() === 0;
  try {
    const trial = [...namespaces(isRoot), '--ro-bind', '/', '/', '--proc', '/proc', '--', 'true'];
    await promisify(execFile)('bwrap', trial, { timeout: 10_000 });
    return { hasNamespaces: true, why: undefined, isRoot };
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = isAbsent ? 'bubblewrap is not installed' : 'bubblewrap cannot make namespaces here';
    return { hasNamespaces: false, why, isRoot };
  }
}

/**
 * @param folder of this run alone: its working folder when it has no sandbox; undefined when it has one
 * @param devices what a program that asks for a GPU is shown
 * @throws AppError FORBIDDEN when a sandbox is asked for and absent, INVALID_PARAMS when the program is not on this machine
 */
export function commandLineOf(
  spec: RunSpec,
  containment: Containment,
  folder: string | undefined,
  devices = spec.gpu ? gpuDevices() : [],
): CommandLine {
  const { program } = spec;
  if (program.sandbox && !containment.hasNamespaces) {
    throw new AppError('FORBIDDEN', {
      text: `This program is to run in a sandbox, and ${containment.why} on the node. Install bubblewrap there and allow user namespaces, or set "sandbox": false for it.`,
    });
  }
  const file = findProgram(program.command);
  const uid = containment.isRoot ? FIRST_UID + Math.floor(Math.random() * UIDS) : undefined;
  if (uid !== undefined && folder !== undefined) fs.chownSync(folder, uid, uid);
  const cwd = folder ?? '/';
  const command = [
    ...asUser(uid),
    '/bin/sh',
    '-c',
    `${limitsOf(spec, containment)} || { echo ${UNLIMITED} >&3; exit 125; }; ${WRAPPER}`,
    'sh',
    file,
    ...program.args,
    ...spec.args,
  ];
  const env = {
    PATH: SYSTEM_PATH,
    HOME: program.sandbox ? WORK_FOLDER : cwd,
    TMPDIR: program.sandbox ? '/tmp' : cwd,
    LANG: 'C.UTF-8',
    FOG_RUN: spec.runId,
    FOG_CPU_CORES: String(spec.limits.cpuCores),
    FOG_MEMORY_GB: String(spec.limits.memoryGb),
    [RUN_MARK]: spec.runId,
  };
  if (!containment.hasNamespaces) {
    const [first = '', ...args] = command;
    return { file: first, args, env, cwd, uid };
  }
  const box = program.sandbox ? sandbox(spec, file, devices) : openBox(cwd);
  return { file: 'bwrap', args: [...namespaces(containment.isRoot), ...box, '--', ...command], env, cwd, uid };
}

/** A user namespace only where we are not root: in one, root could not change to another user. */
function namespaces(isRoot: boolean): string[] {
  return [
    ...(isRoot ? [] : ['--unshare-user']),
    '--unshare-pid',
    '--unshare-ipc',
    '--die-with-parent',
    '--new-session',
  ];
}

/** Everything as it is; only the processes are held together. */
function openBox(folder: string): string[] {
  return ['--dev-bind', '/', '/', '--proc', '/proc', '--chdir', folder];
}

function sandbox({ program, limits, gpu }: RunSpec, file: string, devices: readonly string[]): string[] {
  const size = String(limits.diskBytes);
  const args = [
    '--unshare-uts',
    '--unshare-cgroup-try',
    '--hostname',
    'fog',
    ...(program.network ? [] : ['--unshare-net']),
  ];
  for (const folder of SYSTEM_FOLDERS) args.push(...mirror(folder));
  if (program.network) for (const item of NETWORK_FILES) args.push(...mirror(item));
  args.push('--dev', '/dev', '--proc', '/proc');
  if (gpu) for (const device of devices) args.push('--dev-bind', device, device);
  for (const folder of ['/dev/shm', '/tmp', WORK_FOLDER])
    args.push('--perms', '1777', '--size', size, '--tmpfs', folder);
  const shown = [...(file.startsWith('/usr/') ? [] : [file]), ...program.readable];
  for (const item of shown) args.push(...parentsOf(item), '--ro-bind', item, item);
  return [...args, '--remount-ro', '/dev', '--remount-ro', '/', '--chdir', WORK_FOLDER];
}

/** Folders that bubblewrap makes by itself are for its own user alone. */
function parentsOf(item: string): string[] {
  const steps = path
    .dirname(item)
    .split('/')
    .filter((step) => step !== '');
  return steps.flatMap((_, at) => ['--perms', '0755', '--dir', `/${steps.slice(0, at + 1).join('/')}`]);
}

const GPU_DEVICES = /^(dri|kfd|dxg|nvidia\d+|nvidiactl|nvidia-uvm|nvidia-uvm-tools|nvidia-modeset)$/;

/** Those of this machine (kernel names of the drivers of AMD, Intel, NVIDIA and of WSL). */
function gpuDevices(): string[] {
  try {
    return fs
      .readdirSync('/dev')
      .filter((name) => GPU_DEVICES.test(name))
      .map((name) => `/dev/${name}`);
  } catch {
    return [];
  }
}

/** The system's folders do not change while a node runs, and asking for them costs as much as a small job. */
const mirrored = new Map<string, readonly string[]>();

/** The same in the sandbox: a link as a link. */
function mirror(place: string): readonly string[] {
  const known = mirrored.get(place) ?? lookAt(place);
  mirrored.set(place, known);
  return known;
}

function lookAt(place: string): string[] {
  const stat = fs.lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (place.split('/').length === 2 && stat.isSymbolicLink()) return ['--symlink', fs.readlinkSync(place), place];
  return [...parentsOf(place), '--ro-bind', fs.realpathSync(place), place];
}

function asUser(uid: number | undefined): string[] {
  if (uid === undefined) return [];
  const id = String(uid);
  const rights = ['--clear-groups', '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all'];
  return ['setpriv', `--reuid=${id}`, `--regid=${id}`, ...rights, '--'];
}

/**
 * Per process, but for the number of processes; what all of them use together is watched. In the units of POSIX sh: KB, blocks of
 * 512 bytes, seconds. `-p` is the number of processes in dash and busybox, `-u` in bash and ksh.
 */
function limitsOf({ limits, kind }: RunSpec, { hasNamespaces, isRoot }: Containment): string {
  const { memoryGb, wallSeconds, cpuCores, processes, diskBytes } = limits;
  const dataKb = Math.ceil((memoryGb * 2 ** 30 + DATA_ALLOWANCE_BYTES) / 1_024);
  const wanted = [
    `ulimit -d ${dataKb}`,
    `ulimit -f ${Math.ceil(diskBytes / 512)}`,
    'ulimit -c 0',
    'ulimit -n 1024',
    'ulimit -l 64',
  ];
  // Counted for each user in each user namespace: without either, all programs of our own user would count.
  if (hasNamespaces || isRoot) wanted.push(`{ ulimit -p ${processes} 2>/dev/null || ulimit -u ${processes}; }`);
  if (kind === 'job' && wallSeconds > 0) wanted.push(`ulimit -t ${Math.ceil(cpuCores * wallSeconds) + 1}`);
  return wanted.join(' && ');
}

function findProgram(command: string): string {
  if (command === 'node') return process.execPath;
  const places = command.includes('/') ? [command] : SYSTEM_PATH.split(':').map((folder) => path.join(folder, command));
  for (const place of places) {
    try {
      fs.accessSync(place, fs.constants.X_OK);
      return path.resolve(place);
    } catch {
      // The next place may have it.
    }
  }
  throw new AppError('INVALID_PARAMS', { text: 'The program is allowed, but not on this node; install it there' });
}
