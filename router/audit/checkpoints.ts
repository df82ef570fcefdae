/**
 * Owns the second place: signed checkpoints as JSON lines in segment files, and a copy of the newest one in the data
 * folder, so that lines cut off here are missed there. Whoever appends holds the database's write lock.
 */
import crypto, { type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { AuditKeys } from './keys.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();

const Checkpoint = z.strictObject({
  /** Numbered from 1 without gaps. */
  n: count,
  /** The oldest number that must still be there. */
  from: count,
  /** The record this vouches for, and with it all before; 0 before the first. */
  seq: count,
  hash,
  /** That record's time, milliseconds since the epoch. */
  time: count,
  /** Records up to this one were dropped by retention; the next one links to `anchorHash`. */
  anchorSeq: count,
  anchorHash: hash,
});

export type Checkpoint = Readonly<z.infer<typeof Checkpoint>>;

/** One line as found: `checkpoint` is absent when it is not what the key signed. */
export interface CheckpointLine {
  readonly text: string;
  readonly checkpoint: Checkpoint | undefined;
}

const DOMAIN = 'aivillage audit checkpoint 1\n';
const SEGMENT = /^checkpoints-(\d{12})\.jsonl$/;
const segmentName = (n: number) => `checkpoints-${String(n).padStart(12, '0')}.jsonl`;
const MAX_LINE_BYTES = 512;
const TAIL_BYTES = 4_096;

export const localCopyFile = (dataDir: string) => path.join(dataDir, 'audit.checkpoint');

function signCheckpoint(checkpoint: Checkpoint, key: KeyObject): string {
  const text = JSON.stringify(checkpoint);
  const signature = crypto.sign(null, Buffer.from(DOMAIN + text), key).toString('base64url');
  return `${text.slice(0, -1)},"signature":"${signature}"}`;
}

function openCheckpoint(line: string, key: KeyObject): Checkpoint | undefined {
  const [, body, signature] = /^(\{.{1,400}),"signature":"([\w-]{86})"\}$/.exec(line) ?? [];
  if (body === undefined || signature === undefined) return undefined;
  const text = `${body}}`;
  // Several spellings of one signature decode to the same bytes; only the one that we write is accepted.
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.toString('base64url') !== signature) return undefined;
  if (!crypto.verify(null, Buffer.from(DOMAIN + text), key, bytes)) return undefined;
  return Checkpoint.parse(JSON.parse(text));
}

export function hasSegments(folder: string): boolean {
  return segments(folder).length > 0;
}

/** All complete lines, oldest first. Segments may be dropped meanwhile by a running router: then it begins again. */
export function readCheckpointLines(folder: string, key: KeyObject): CheckpointLine[] {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return segments(folder).flatMap((name) => readSegment(folder, name, key));
    } catch (error) {
      if (attempt === 5 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** The newest checkpoint as the data folder remembers it. */
export function readLocalCopy(dataDir: string, key: KeyObject): CheckpointLine | undefined {
  const file = localCopyFile(dataDir);
  if (!fs.existsSync(file)) return undefined;
  const text = fs.readFileSync(file, 'utf8').trimEnd();
  return { text, checkpoint: openCheckpoint(text, key) };
}

export interface CheckpointFilesOptions {
  readonly folder: string;
  readonly dataDir: string;
  readonly keys: AuditKeys;
  /** Wait for the disk at each line. */
  readonly sync: boolean;
  /** A segment is checked line by line before it is dropped, under the write lock: it must stay small. */
  readonly maxSegmentBytes?: number;
  readonly maxSegments?: number;
}

export class CheckpointFiles {
  readonly #options: Required<CheckpointFilesOptions>;
  #seen: { name: string; size: number; last: Checkpoint | undefined } | undefined;

  constructor(options: CheckpointFilesOptions) {
    this.#options = { maxSegmentBytes: 131_072, maxSegments: 16, ...options };
  }

  /** The newest genuine checkpoint, also when another process wrote it or somebody damaged the lines after it. */
  last(): Checkpoint | undefined {
    const { folder, dataDir, keys } = this.#options;
    const name = segments(folder).at(-1);
    const size = name === undefined ? 0 : fs.statSync(path.join(folder, name)).size;
    if (this.#seen?.name === name && this.#seen?.size === size) return this.#seen.last;
    const lines =
      name === undefined
        ? []
        : readTail(path.join(folder, name), size).map((text) => openCheckpoint(text, keys.verifying));
    const there = lines.findLast((checkpoint) => checkpoint !== undefined);
    const here = readLocalCopy(dataDir, keys.verifying)?.checkpoint;
    const last = (here?.n ?? 0) > (there?.n ?? 0) ? here : there;
    if (name !== undefined) this.#seen = { name, size, last };
    return last;
  }

  /** The genuine checkpoints of each segment, oldest first. */
  *read(): Generator<Checkpoint[]> {
    const { folder, keys } = this.#options;
    for (const name of segments(folder)) {
      // Another process may have dropped it meanwhile.
      if (!fs.existsSync(path.join(folder, name))) continue;
      const lines = readSegment(folder, name, keys.verifying);
      yield lines.flatMap((line) => line.checkpoint ?? []);
    }
  }

  /**
   * Signs and appends the next checkpoint. Begins a new segment when the current one is full and then drops the oldest ones,
   * but only those whose every checkpoint still agrees with the records: the others are evidence.
   */
  append(content: Omit<Checkpoint, 'n' | 'from'>, agrees: (checkpoint: Checkpoint) => boolean): void {
    const { folder, dataDir, keys, sync, maxSegmentBytes, maxSegments } = this.#options;
    const last = this.last();
    const n = (last?.n ?? 0) + 1;
    let names = segments(folder);
    let name = names.at(-1);
    let from = last?.from ?? 1;
    let dropped: string[] = [];
    if (name !== undefined) cutTornEnd(path.join(folder, name));
    if (name === undefined || fs.statSync(path.join(folder, name)).size >= maxSegmentBytes) {
      name = segmentName(n);
      const lines = (segment: string) => readSegment(folder, segment, keys.verifying);
      const excess = names.slice(0, Math.max(0, names.length + 1 - maxSegments));
      const kept = excess.findIndex(
        (segment) => !lines(segment).every((line) => line.checkpoint && agrees(line.checkpoint)),
      );
      dropped = excess.slice(0, kept === -1 ? excess.length : kept);
      names = [...names.slice(dropped.length), name];
      if (dropped.length > 0) from = Number(SEGMENT.exec(names[0]!)![1]);
    }
    const line = `${signCheckpoint({ n, from, ...content }, keys.signing)}\n`;
    appendLine(path.join(folder, name), line, sync);
    writeLocalCopy(localCopyFile(dataDir), line);
    for (const segment of dropped) fs.rmSync(path.join(folder, segment), { force: true });
    this.#seen = { name, size: fs.statSync(path.join(folder, name)).size, last: { n, from, ...content } };
  }
}

/**
 * In place and in one write of one size: renaming a new file over the old one waits for the disk on some file systems, and
 * every record would wait with it.
 */
function writeLocalCopy(file: string, line: string): void {
  const descriptor = fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_CREAT, 0o600);
  try {
    fs.writeSync(descriptor, line.padEnd(MAX_LINE_BYTES), 0);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** The segments' names, oldest first. A folder that is not there has none. */
function segments(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((name) => SEGMENT.test(name))
    .sort();
}

function readSegment(folder: string, name: string, key: KeyObject): CheckpointLine[] {
  const lines = fs.readFileSync(path.join(folder, name), 'utf8').split('\n');
  // After the last line feed stands nothing, or what a writer could not finish: no checkpoint yet.
  return lines.slice(0, -1).map((text) => ({ text, checkpoint: openCheckpoint(text, key) }));
}

function readTail(file: string, size: number): string[] {
  const start = Math.max(0, size - TAIL_BYTES);
  const bytes = Buffer.alloc(size - start);
  const descriptor = fs.openSync(file, 'r');
  try {
    const read = fs.readSync(descriptor, bytes, 0, bytes.length, start);
    return bytes.toString('utf8', 0, read).split('\n').slice(0, -1);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** A full disk may have left half a line: no checkpoint was given out on it, and the next line must not join it. */
function cutTornEnd(file: string): void {
  const text = fs.readFileSync(file);
  const end = text.lastIndexOf(10) + 1;
  if (end < text.length) fs.truncateSync(file, end);
}

function appendLine(file: string, line: string, sync: boolean): void {
  const descriptor = fs.openSync(file, 'a', 0o600);
  try {
    fs.writeFileSync(descriptor, line);
    if (sync) fs.fdatasyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
