/** The bench's own processes and temporary folder: started on the core they belong to, all ended by pid whatever happens. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { twoCores } from './proc.ts';

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Opens a channel for messages; the child ends when it closes. */
  readonly channel?: boolean;
}

/** Where a process runs: what is measured has a core to itself. */
export type Place = 'target' | 'rest';

const GRACE_MS = 5_000;
const TASKSET = ['/usr/bin/taskset', '/bin/taskset'].find((file) => fs.existsSync(file));

export class Processes {
  /** The measured process on the first core, everything else on the second; undefined where that cannot be. */
  readonly cores = TASKSET === undefined ? undefined : twoCores();
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-bench-'));
  private readonly running = new Set<ChildProcess>();
  private folders = 0;

  constructor() {
    // Whatever ends this process, an uncaught error included: nothing of it stays behind.
    process.on('exit', () => {
      for (const child of this.running) child.kill('SIGKILL');
      fs.rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** A command line that runs a file with this Node, pinned where possible. */
  command(place: Place, file: string, args: readonly string[] = [], flags: readonly string[] = []): string[] {
    const pin = this.cores === undefined ? [] : [TASKSET!, '-c', String(this.cores[place === 'target' ? 0 : 1])];
    return [...pin, process.execPath, ...flags, file, ...args];
  }

  /** Starts a file with this Node. Its environment is `env` and nothing else; its stderr is ours. */
  start(place: Place, file: string, args: readonly string[], options: StartOptions = {}): ChildProcess {
    const [command, ...rest] = this.command(place, file, args, options.nodeFlags);
    const child = spawn(command!, rest, {
      env: { HOME: this.folder, ...options.env },
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'inherit', ...(options.channel === true ? (['ipc'] as const) : [])],
    });
    this.running.add(child);
    child.on('exit', () => this.running.delete(child));
    child.on('error', () => this.running.delete(child));
    return child;
  }

  /** Moves all threads of a process but its first to the other core. */
  spreadThreads(pid: number): void {
    if (this.cores === undefined) return;
    for (const tid of fs.readdirSync(`/proc/${pid}/task`)) {
      if (Number(tid) !== pid) execFileSync(TASKSET!, ['-cp', String(this.cores[1]), tid]);
    }
  }

  newFolder(): string {
    const folder = path.join(this.folder, String(++this.folders));
    fs.mkdirSync(folder);
    return folder;
  }

  async stop(child: ChildProcess): Promise<void> {
    if (!this.running.has(child)) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await exited;
    clearTimeout(kill);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.running].map((child) => this.stop(child)));
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The first message of a child with a channel. Rejects when it ends before. */
export function firstMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${signal ?? code} before it said anything`)));
  });
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
