/**
 * Reads and writes safetensors files, strictly: what a file says is believed only as far as its own size bears it out. Reads one
 * tensor at a time; runs nothing that a file holds. Format: https://github.com/huggingface/safetensors#format
 */
import fs from 'node:fs';
import { visit } from 'jsonc-parser';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { DTYPES, type Dtype, isDtype } from './dtypes.ts';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** From the beginning of the data. */
  readonly begin: number;
  readonly bytes: number;
}

export interface SafetensorsFile {
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** @throws AppError INVALID_PARAMS for a name that it does not hold */
  read(name: string): Uint8Array;
  close(): void;
}

export interface NewTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Called once, when its turn has come; little-endian. */
  readonly bytes: () => Uint8Array;
}

export const LIMITS = {
  headerBytes: 16 * 2 ** 20,
  tensors: 100_000,
  rank: 8,
  nameLength: 512,
  tensorBytes: 2 ** 31 - 1,
  fileBytes: 2 ** 36,
  metadataEntries: 100_000,
} as const;

const SIZE_BYTES = 8;
/** Objects in the header: itself, a tensor, its lists. */
const MAX_DEPTH = 3;
const METADATA = '__metadata__';

const whole = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const entrySchema = z.strictObject({
  dtype: z.string().max(16),
  shape: z.array(whole).max(LIMITS.rank),
  data_offsets: z.tuple([whole, whole]),
});
const metadataSchema = z.record(z.string(), z.string());

/** @throws AppError INVALID_PARAMS that says what is wrong with the file */
export function openSafetensors(file: string): SafetensorsFile {
  const descriptor = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const stat = fs.fstatSync(descriptor);
    if (!stat.isFile()) throw malformed('expected a regular file');
    if (stat.size > LIMITS.fileBytes) throw malformed(`expected at most ${LIMITS.fileBytes} bytes, got ${stat.size}`);
    const { tensors, metadata, dataStart } = readHeader(descriptor, stat.size);
    return {
      tensors,
      metadata,
      read(name) {
        const tensor = tensors.get(name);
        if (tensor === undefined) throw malformed('a tensor that is needed is not in the file');
        return readExactly(descriptor, dataStart + tensor.begin, tensor.bytes);
      },
      close: () => fs.closeSync(descriptor),
    };
  } catch (error) {
    fs.closeSync(descriptor);
    throw error;
  }
}

function readHeader(descriptor: number, size: number) {
  if (size < SIZE_BYTES + 2) throw malformed('it is too short to be a safetensors file');
  const announced = Buffer.from(readExactly(descriptor, 0, SIZE_BYTES)).readBigUInt64LE(0);
  if (announced > BigInt(LIMITS.headerBytes)) {
    throw malformed(`the header is to have ${announced} bytes, and may have ${LIMITS.headerBytes}`);
  }
  const headerBytes = Number(announced);
  if (headerBytes < 2 || headerBytes > size - SIZE_BYTES) {
    throw malformed(
      `the header is to have ${headerBytes} bytes, and the file has ${size - SIZE_BYTES} after its length`,
    );
  }
  const text = decodeText(readExactly(descriptor, SIZE_BYTES, headerBytes));
  const header = parseHeader(text);
  const dataStart = SIZE_BYTES + headerBytes;
  const metadata = new Map<string, string>();
  const found: TensorInfo[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) {
      const parsed = metadataSchema.safeParse(value);
      if (!parsed.success) throw malformed('__metadata__ is to hold texts only');
      for (const [key, entry] of Object.entries(parsed.data)) metadata.set(key, entry);
      continue;
    }
    found.push(readEntry(name, value));
  }
  if (found.length > LIMITS.tensors) throw malformed(`it has ${found.length} tensors, and may have ${LIMITS.tensors}`);
  found.sort((a, b) => a.begin - b.begin || a.bytes - b.bytes);
  checkLayout(found, size - dataStart);
  return { tensors: new Map(found.map((tensor) => [tensor.name, tensor])), metadata, dataStart };
}

function parseHeader(text: string): Record<string, unknown> {
  if (text[0] !== '{') throw malformed('the header does not begin with "{"');
  refuseDuplicatesAndDepth(text);
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw malformed('the header is no JSON object');
}

/** JSON.parse keeps the last of two equal keys and takes any depth: neither may pass. */
function refuseDuplicatesAndDepth(text: string): void {
  const open: Set<string>[] = [];
  let depth = 0;
  const enter = (): void => {
    depth += 1;
    if (depth > MAX_DEPTH) throw malformed('the header is nested too deeply');
  };
  visit(
    text,
    {
      onObjectBegin() {
        enter();
        open.push(new Set());
      },
      onObjectProperty(name) {
        const keys = open.at(-1);
        if (keys?.has(name) === true) throw malformed('a key stands twice in the header');
        keys?.add(name);
      },
      onObjectEnd() {
        depth -= 1;
        open.pop();
      },
      onArrayBegin: enter,
      onArrayEnd() {
        depth -= 1;
      },
    },
    { disallowComments: true },
  );
}

function readEntry(name: string, value: unknown): TensorInfo {
  if (name.length === 0 || name.length > LIMITS.nameLength || /\p{Cc}|\p{Cs}/u.test(name)) {
    throw malformed(`a tensor's name is to have 1 to ${LIMITS.nameLength} characters and no control character`);
  }
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success)
    throw malformed(`the tensor ${shown(name)} is to have dtype, shape and data_offsets, and nothing else`);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = parsed.data;
  if (!isDtype(dtype)) {
    throw malformed(
      `the tensor ${shown(name)} has a dtype that is not read here; expected ${Object.keys(DTYPES).join(', ')}`,
    );
  }
  if (end < begin) throw malformed(`the tensor ${shown(name)} ends before it begins`);
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined || bytes > LIMITS.tensorBytes) {
    throw malformed(`the tensor ${shown(name)} is larger than ${LIMITS.tensorBytes} bytes`);
  }
  if (bytes !== end - begin) {
    throw malformed(`the tensor ${shown(name)} has ${end - begin} bytes, and its shape and dtype make ${bytes}`);
  }
  return { name, dtype, shape, begin, bytes };
}

/** The data is one run of bytes: no overlap, no gap, nothing behind the last tensor. */
function checkLayout(sorted: readonly TensorInfo[], dataBytes: number): void {
  let end = 0;
  for (const { name, begin, bytes } of sorted) {
    if (begin < end) throw malformed(`the tensor ${shown(name)} overlaps another one`);
    if (begin > end) throw malformed(`there is a gap before the tensor ${shown(name)}`);
    end = begin + bytes;
  }
  if (end !== dataBytes) throw malformed(`the tensors have ${end} bytes, and the file has ${dataBytes} for them`);
}

/** @returns undefined when it is no whole number that can be trusted */
function byteLength(dtype: Dtype, shape: readonly number[]): number | undefined {
  let bytes: number = DTYPES[dtype];
  if (shape.includes(0)) return 0;
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

/**
 * Writes the tensors in the given order, to a new file that takes the place of `file` when it is whole.
 * @throws AppError INVALID_PARAMS when two have one name, or bytes and shape differ
 */
export function writeSafetensors(
  file: string,
  tensors: readonly NewTensor[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push([METADATA, metadata]);
  const names = new Set<string>([METADATA]);
  let at = 0;
  for (const { name, dtype, shape } of tensors) {
    if (names.has(name)) throw malformed(`two tensors are to be named ${shown(name)}`);
    names.add(name);
    const bytes = byteLength(dtype, shape);
    if (bytes === undefined || bytes > LIMITS.tensorBytes) throw malformed(`the tensor ${shown(name)} is too large`);
    header.push([name, { dtype, shape, data_offsets: [at, at + bytes] }]);
    at += bytes;
  }
  const text = JSON.stringify(Object.fromEntries(header));
  const unpadded = Buffer.byteLength(text);
  const padded = Buffer.from(text + ' '.repeat((8 - (unpadded % 8)) % 8));
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeBigUInt64LE(BigInt(padded.length));
  const temporary = `${file}.part`;
  const descriptor = fs.openSync(temporary, 'w', 0o600);
  try {
    writeAll(descriptor, size);
    writeAll(descriptor, padded);
    for (const { name, dtype, shape, bytes } of tensors) {
      const data = bytes();
      if (data.byteLength !== byteLength(dtype, shape))
        throw malformed(`the bytes of ${shown(name)} are not those of its shape`);
      writeAll(descriptor, data);
    }
    fs.fsyncSync(descriptor);
    fs.renameSync(temporary, file);
  } finally {
    fs.closeSync(descriptor);
    fs.rmSync(temporary, { force: true });
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) done += fs.writeSync(descriptor, bytes, done);
}

function readExactly(descriptor: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const read = fs.readSync(descriptor, bytes, done, length - done, position + done);
    if (read === 0) throw malformed('the file ended while it was read');
    done += read;
  }
  return bytes;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('the header is not UTF-8');
  }
}

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

function malformed(text: string): AppError {
  return new AppError('INVALID_PARAMS', { text: `The safetensors file cannot be used: ${text}` });
}
