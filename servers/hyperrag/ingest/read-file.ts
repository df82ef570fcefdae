/**
 * Reads one file as documents by what its name says it is. What cannot be read is skipped with the reason; no file is held in
 * memory beyond a bound, however long its lines are.
 */
import { constants } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { chunkMarkdown, chunkText, type Piece } from './chunk.ts';
import { MAX_TITLE, type Read, skip } from './draft.ts';
import type { FoundFile } from './files.ts';
import { readHtml } from './html.ts';
import { readJsonValue, valuesOf } from './json.ts';
import { MAX_PDF_BYTES, readPdf } from './pdf.ts';

/** Files that are read as a whole. */
const MAX_FILE_BYTES = 16 * 2 ** 20;
const MAX_LINE_BYTES = 2 ** 20;
/** At once: a long file in small parts takes long. */
const READ_BYTES = 2 ** 20;

const FORMATS = new Map<string, 'markdown' | 'text' | 'html' | 'json' | 'jsonl' | 'pdf'>([
  ['.md', 'markdown'],
  ['.markdown', 'markdown'],
  ['.txt', 'text'],
  ['.text', 'text'],
  ['.html', 'html'],
  ['.htm', 'html'],
  ['.json', 'json'],
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
  ['.pdf', 'pdf'],
]);

export async function* readFile({ file, id }: FoundFile, signal: AbortSignal): AsyncGenerator<Read> {
  const format = FORMATS.get(path.extname(file).toLowerCase());
  if (format === undefined) {
    yield skip(id, `Its kind is not read; these are: ${[...FORMATS.keys()].join(', ')}.`);
    return;
  }
  // Not through a link that was put there meanwhile, and not waiting for a pipe.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await fs.open(file, flags).catch(() => undefined);
  if (!handle) {
    yield skip(id, 'It cannot be opened.');
    return;
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) yield skip(id, 'It is no file any more.');
    else if (format === 'jsonl') yield* readLines(handle, id, titleOf(file));
    else {
      const most = format === 'pdf' ? MAX_PDF_BYTES : MAX_FILE_BYTES;
      if (stat.size > most) yield skip(id, `It has ${stat.size} bytes; at most ${most} are read.`);
      else if (format === 'pdf') yield await readPages(await readBounded(handle, most), id, file, signal);
      else yield* readWhole(await readBounded(handle, most), id, file, format);
    }
  } finally {
    await handle.close();
  }
}

/** A file that grows while it is read gives no more than the bound. */
async function readBounded(handle: FileHandle, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of handle.createReadStream({ autoClose: false, end: most - 1 })) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
  }
  return Buffer.concat(parts, size);
}

function* readWhole(
  bytes: Buffer,
  id: string,
  file: string,
  format: 'markdown' | 'text' | 'html' | 'json',
): Generator<Read> {
  const text = decode(bytes);
  if (typeof text !== 'string') {
    yield skip(id, text.reason);
    return;
  }
  if (format === 'json') {
    const parsed = parseJson(text);
    if (parsed === undefined) yield skip(id, 'It is not valid JSON.');
    else for (const { value, suffix } of valuesOf(parsed.value)) yield readJsonValue(value, id + suffix, titleOf(file));
    return;
  }
  if (format === 'html') {
    const { title, pieces } = readHtml(text);
    yield whole(id, title || titleOf(file), pieces);
    return;
  }
  const pieces = format === 'markdown' ? chunkMarkdown(text) : chunkText(text);
  const heading =
    format === 'markdown' ? /^ {0,3}#[ \t]+(\S.*)$/mu.exec(text)?.[1]?.replace(/[ \t#]+$/u, '') : undefined;
  yield whole(id, heading ?? titleOf(file), pieces);
}

async function readPages(bytes: Buffer, id: string, file: string, signal: AbortSignal): Promise<Read> {
  const read = await readPdf(bytes, signal);
  return 'reason' in read ? skip(id, read.reason) : whole(id, read.title || titleOf(file), read.pieces);
}

function whole(id: string, title: string, pieces: readonly Piece[]): Read {
  if (pieces.length === 0) return skip(id, 'It holds no text.');
  return { draft: { id, title: title.slice(0, MAX_TITLE), source: id, metadata: {}, pieces } };
}

/** One document a line; a line that is too long, or none, is skipped and the others stay. */
async function* readLines(handle: FileHandle, id: string, title: string): AsyncGenerator<Read> {
  let number = 0;
  for await (const line of linesOf(handle)) {
    number++;
    const place = `${id}#${number}`;
    if (line === undefined) {
      yield skip(place, `The line is longer than ${MAX_LINE_BYTES} bytes.`);
      continue;
    }
    const text = decode(line);
    if (typeof text !== 'string') {
      yield skip(place, text.reason);
      continue;
    }
    if (text.trim() === '') continue;
    const parsed = parseJson(text);
    if (!parsed) {
      yield skip(place, 'The line is not valid JSON.');
      continue;
    }
    const read = readJsonValue(parsed.value, place, title);
    yield 'draft' in read && read.draft.source === '' ? { draft: { ...read.draft, source: id } } : read;
  }
}

/** Lines without their ends; undefined for one that is too long. */
async function* linesOf(handle: FileHandle): AsyncGenerator<Buffer | undefined> {
  let open: Buffer[] = [];
  let size = 0;
  const take = () => {
    const line = size > MAX_LINE_BYTES ? undefined : Buffer.concat(open);
    open = [];
    size = 0;
    return line;
  };
  const keep = (part: Buffer) => {
    size += part.length;
    if (size <= MAX_LINE_BYTES) open.push(Buffer.from(part));
    else open = [];
  };
  // One buffer for all: a long file would fill the memory with used ones.
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, null);
    if (bytesRead === 0) break;
    let rest = buffer.subarray(0, bytesRead);
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      keep(rest.subarray(0, at));
      yield take();
      rest = rest.subarray(at + 1);
    }
    keep(rest);
  }
  if (size > 0) yield take();
}

function decode(bytes: Buffer): string | { readonly reason: string } {
  if (bytes.includes(0)) return { reason: 'It is binary: it holds a NUL byte.' };
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { reason: 'It is not valid UTF-8; save it as UTF-8 first.' };
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function titleOf(file: string): string {
  return path.basename(file, path.extname(file)).slice(0, MAX_TITLE);
}
