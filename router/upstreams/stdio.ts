/** Carries messages to a server that this process starts: one line each on its stdin and stdout (MCP, "stdio"). */
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import { execa } from 'execa';
import { AppError } from '../../shared/errors.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { onOneLine } from '../message.ts';
import { Lines } from './lines.ts';
import { killMarked, MARK, newMark, signalGroup } from './process-group.ts';
import { StderrLog } from './stderr-log.ts';
import type { Transport, TransportEvents } from './transport.ts';

export interface StdioOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to the few variables that every child gets (PATH, HOME, …): nothing else of ours reaches it. */
  readonly env: Readonly<Record<string, string>>;
  /** The command that starts this one within limits; throws AppError when that is impossible here. */
  readonly within?: (command: Command) => Promise<Command>;
  readonly maxMessageBytes: number;
  readonly log: (line: string) => void;
}

/** A program, whole or by PATH, and its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

type Subprocess = ReturnType<typeof spawn>;

/** Bytes waiting in a child's stdin from which on it counts as not reading. */
const CONGESTED_BYTES = 8 * 1024 * 1024;
/** From the end of stdin to SIGTERM, and from there to SIGKILL. */
const GRACE_MS = 1_000;

const running = new Map<number, string>();
process.on('exit', () => {
  for (const [pid, mark] of running) {
    signalGroup(pid, 'SIGKILL');
    killMarked(mark);
  }
});

export class StdioTransport implements Transport {
  /** The child's, while it runs. */
  pid: number | undefined;
  private readonly options: StdioOptions;
  private readonly mark = newMark();
  private readonly stderr: StderrLog;
  private child: Subprocess | undefined;
  private exited: Promise<void> = Promise.resolve();
  private waiting = '';

  constructor(options: StdioOptions) {
    this.options = options;
    this.stderr = new StderrLog(options.log);
  }

  /** @throws AppError CONNECTION_FAILED when there is no such program, or it may not be run */
  async start(events: TransportEvents): Promise<void> {
    const { within, ...plain } = this.options;
    const own = { command: plain.command === 'node' ? process.execPath : plain.command, args: plain.args };
    const child = spawn({ ...plain, ...(within === undefined ? own : await within(own)) }, this.mark);
    this.child = child;
    this.pid = child.pid;
    if (child.pid !== undefined) running.set(child.pid, this.mark);
    this.readFrom(child, events);
    let ending: Error | undefined;
    this.exited = child.then((result) => {
      if (child.pid !== undefined) this.sweep(child.pid);
      this.pid = undefined;
      const why =
        result.failed && child.pid === undefined
          ? (result.originalMessage ?? 'it could not be started')
          : exitText(result);
      const last = this.stderr.last;
      ending = new Error(last === '' ? why : `${why}; its last words: ${last}`);
      events.onClose(ending);
    });
    if (child.pid !== undefined) return;
    await this.exited;
    throw new AppError('CONNECTION_FAILED', { text: 'The program of the server could not be started', cause: ending });
  }

  send(message: Octets): void {
    if (this.pid === undefined) throw new AppError('UPSTREAM_UNAVAILABLE');
    if (this.waiting === '') setImmediate(() => this.flush());
    this.waiting += `${onOneLine(message)}\n`;
  }

  get unsentBytes(): number {
    return (this.child?.stdin.writableLength ?? 0) + this.waiting.length;
  }

  get congested(): boolean {
    return this.unsentBytes > CONGESTED_BYTES;
  }

  pause(): void {
    this.child?.stdout.pause();
  }

  resume(): void {
    this.child?.stdout.resume();
  }

  async close(): Promise<void> {
    const { child, pid } = this;
    if (child === undefined || pid === undefined) return;
    child.stdin.end();
    const terminate = setTimeout(() => signalGroup(pid, 'SIGTERM'), GRACE_MS);
    const kill = setTimeout(() => signalGroup(pid, 'SIGKILL'), 2 * GRACE_MS);
    await this.exited;
    clearTimeout(terminate);
    clearTimeout(kill);
  }

  /** Ends it without grace: an emergency, or a child that babbles without end. */
  kill(): void {
    if (this.pid !== undefined) signalGroup(this.pid, 'SIGKILL');
  }

  private flush(): void {
    const text = this.waiting;
    this.waiting = '';
    this.child?.stdin.write(text, 'latin1');
  }

  private readFrom(child: Subprocess, events: TransportEvents): void {
    const lines = new Lines(this.options.maxMessageBytes, {
      onLine: (line) => events.onMessage(line, undefined),
      onBadLine: () => events.onBadMessage('The line is not valid UTF-8'),
      onTooLong: (head) => this.failTooLong(ID_AT_START.exec(head)?.[1], events),
      onTooLongEnd: (tail) => this.failTooLong(ID_AT_END.exec(tail)?.[1], events),
      onEndless: () => this.kill(),
    });
    child.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => this.stderr.push(chunk));
    // Its last words are read also when it was held back: its end must not wait for slow clients.
    child.stdin.once('close', () => child.stdout.resume());
    // A child that went away shows on its exit; writing to it then is no error of its own.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {});
  }

  private failTooLong(id: string | undefined, events: TransportEvents): void {
    if (id === undefined) return;
    events.onRequestFailed(
      Number(id),
      new AppError('RESULT_TOO_LARGE', { data: { maxBytes: this.options.maxMessageBytes } }),
    );
  }

  private sweep(pid: number): void {
    running.delete(pid);
    signalGroup(pid, 'SIGKILL');
    killMarked(this.mark);
  }
}

function spawn({ command, args, cwd, env }: StdioOptions, mark: string) {
  return execa(command, args, {
    cwd,
    env: { ...getDefaultEnvironment(), ...env, [MARK]: mark },
    extendEnv: false,
    detached: true,
    buffer: false,
    reject: false,
  });
}

function exitText(result: { exitCode?: number | undefined; signal?: string | undefined }): string {
  if (result.signal !== undefined) return `it was ended by ${result.signal}`;
  return `it exited with code ${result.exitCode ?? 'unknown'}`;
}

/** Where the id of a response can stand so that it is the response's own, although only a piece of it is there. */
const ID_AT_START = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,/;
const ID_AT_END = /"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;
