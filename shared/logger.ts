/**
 * Structured logs: one JSON object per line on stderr and, when asked for, in rotating files written by a worker thread.
 * Never writes to stdout, never throws into the caller, and never lets a broken log file stop anything.
 */
import fs from 'node:fs';
import path from 'node:path';
import pino, { type DestinationStream, type Logger } from 'pino';
import { sealLine } from './log-line.ts';
import type { LogLevel } from './variables.ts';

export type { Logger } from 'pino';

export interface LogFile {
  /** `…/router.log` gives `router.1.log`, `router.2.log`, …: the highest number is the one being written. */
  readonly path: string;
  /** A file that reaches this is followed by the next; 10 MB unless given. */
  readonly maxBytes?: number;
  /** Most files kept, the current one included, at least 2; 5 unless given. */
  readonly count?: number;
}

export interface LoggerOptions {
  /** Which part of the program speaks. */
  readonly name: string;
  readonly level: LogLevel;
  readonly file?: string | LogFile;
  /** Instead of stderr. */
  readonly stream?: DestinationStream;
  /** Milliseconds since the epoch, for when a broken file is tried again. */
  readonly now?: () => number;
}

export interface RootLogger extends Logger {
  /** Writes out what is held back and ends the file's worker. Later lines go to stderr only. */
  close(): Promise<void>;
}

interface FileSink {
  write(line: string): void;
  close(): Promise<void>;
}

const TEN_MB = 10 * 1024 * 1024;
const STDERR_BUFFER_BYTES = 16 * 1024 * 1024;
const RETRY_AFTER_MS = 10_000;
const CLOSE_WITHIN_MS = 5_000;
/** Keys that the logger itself writes; a logged object must not write them a second time (D07). */
const OWN_KEYS = ['level', 'time', 'pid', 'name'];

/** Makes the logger of a process. Make one, hand it down, and give parts `logger.child({…})`. */
export function createLogger(options: LoggerOptions): RootLogger {
  const { name, level, stream = openStderr(), now = Date.now } = options;
  const file =
    options.file === undefined
      ? undefined
      : openFile(typeof options.file === 'string' ? { path: options.file } : options.file, stream, now);
  const sink = {
    write(line: string): void {
      const sealed = sealLine(line);
      stream.write(sealed);
      file?.write(sealed);
    },
  };
  const logger = pino(
    {
      level,
      base: { pid: process.pid, name },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.err, cause: describeCause },
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method) {
          try {
            const [first, ...rest] = args;
            const kept = keepOwnKeys(first);
            if (kept === first) method.apply(this, args);
            else method.call(this, kept, ...rest);
          } catch (error) {
            method.call(this, { cause: error instanceof Error ? error.name : typeof error }, 'a log line was lost');
          }
        },
      },
    },
    sink,
  );
  return Object.assign(logger, { close: async () => file?.close() });
}

/** A logger whose every line carries the id that joins one call's lines over all processes (X5). */
export function withCorrelation(logger: Logger, correlationId: string): Logger {
  return logger.child({ correlationId: correlationId.slice(0, 128) });
}

/** Errors whole, with their stack; anything else as it is. */
function describeCause(cause: unknown): unknown {
  return cause instanceof Error ? pino.stdSerializers.err(cause) : cause;
}

/** Non-blocking: a reader that does not read its pipe never stops the process; beyond the buffer, lines are dropped. */
function openStderr(): DestinationStream {
  const stderr = pino.destination({ dest: 2, sync: false, maxLength: STDERR_BUFFER_BYTES });
  stderr.on('error', () => undefined);
  return stderr;
}

/** `level` → `_level`, so that no logged object can pretend to be another line. */
function keepOwnKeys<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (!OWN_KEYS.some((key) => Object.hasOwn(value, key))) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [OWN_KEYS.includes(key) ? `_${key}` : key, item]),
  ) as T;
}

/** A file that breaks (full disk, folder gone) is said once on `stream` and tried again with a later line. */
function openFile(file: LogFile, stream: DestinationStream, now: () => number): FileSink {
  let worker: ReturnType<typeof startWorker> | undefined;
  let retryAt = 0;
  let isClosed = false;

  const fail = (failed: typeof worker, error: unknown) => {
    if (worker !== failed || isClosed) return;
    worker = undefined;
    retryAt = now() + RETRY_AFTER_MS;
    const why = error instanceof Error ? error.message : String(error);
    const time = new Date(now()).toISOString();
    stream.write(sealLine(JSON.stringify({ level: 'error', time, pid: process.pid, msg: `no log file: ${why}` })));
  };
  const start = () => {
    try {
      const started = startWorker(file);
      started.on('error', (error: unknown) => fail(started, error));
      worker = started;
    } catch (error) {
      fail(undefined, error);
    }
  };
  start();
  return {
    write(line) {
      if (isClosed) return;
      if (worker === undefined && now() >= retryAt) start();
      const target = worker;
      if (target === undefined) return;
      try {
        target.write(line);
      } catch (error) {
        fail(target, error);
      }
    },
    async close() {
      isClosed = true;
      const ending = worker;
      if (ending === undefined) return;
      await new Promise<void>((resolve) => {
        // The worker does not keep the process alive, so this does; a disk that hangs is not waited for.
        const timer = setTimeout(resolve, CLOSE_WITHIN_MS);
        const done = () => {
          clearTimeout(timer);
          resolve();
        };
        ending.once('close', done);
        ending.once('error', done);
        ending.end();
      });
    },
  };
}

function startWorker({ path: file, maxBytes = TEN_MB, count = 5 }: LogFile) {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  return pino.transport({
    target: 'pino-roll',
    options: { file, size: `${maxBytes}b`, mode: 0o600, limit: { count: count - 1, removeOtherLogFiles: true } },
  });
}
