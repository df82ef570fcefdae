/**
 * Reads where the samples of a WAV file lie and what they are: RIFF and RF64 (over 4 GB), PCM and float, plain and extensible.
 * Multimedia Programming Interface 1.0; Microsoft WAVEFORMATEXTENSIBLE; EBU Tech 3306. Reads no samples.
 */
import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../../../shared/errors.ts';
import { type Encoding, frameBytes, MAX_CHANNELS, type PcmFormat } from './pcm.ts';

export interface WavLayout {
  readonly format: PcmFormat;
  /** Bytes from the beginning of the file. */
  readonly dataStart: number;
  readonly dataBytes: number;
  /** The header promises more than the file holds. */
  readonly isTruncated: boolean;
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const MAX_CHUNKS = 1_000;
const SIZE_UNKNOWN = 0xffff_ffff;
const ENCODING: ReadonlyMap<string, Encoding> = new Map([
  [`${PCM} 16`, 's16'],
  [`${PCM} 24`, 's24'],
  [`${PCM} 32`, 's32'],
  [`${FLOAT} 32`, 'f32'],
  [`${FLOAT} 64`, 'f64'],
]);

/** @throws AppError INVALID_PARAMS that says what is wrong with the file */
export async function readWav(file: FileHandle, fileBytes: number): Promise<WavLayout> {
  const head = await read(file, 0, 12);
  const kind = head.toString('latin1', 0, 4);
  if (head.length < 12 || (kind !== 'RIFF' && kind !== 'RF64') || head.toString('latin1', 8, 12) !== 'WAVE')
    throw broken('it does not begin as a WAV file does (RIFF or RF64, then WAVE)');
  let format: PcmFormat | undefined;
  let largeBytes: number | undefined;
  let at = 12;
  for (let count = 0; count < MAX_CHUNKS; count++) {
    const chunk = await read(file, at, 8);
    if (chunk.length < 8) throw broken(format === undefined ? 'it ends before its format' : 'it has no samples');
    const id = chunk.toString('latin1', 0, 4);
    const size = chunk.readUInt32LE(4);
    const start = at + 8;
    if (id === 'ds64') largeBytes = await readLarge(file, start);
    if (id === 'fmt ') format = await readFormat(file, start, size);
    if (id === 'data') {
      if (format === undefined) throw broken('its samples come before their format');
      const promised = size === SIZE_UNKNOWN ? (largeBytes ?? fileBytes - start) : size;
      const there = Math.min(promised, fileBytes - start);
      const frame = frameBytes(format);
      return {
        format,
        dataStart: start,
        dataBytes: there - (there % frame),
        isTruncated: promised > there || there % frame !== 0,
      };
    }
    // Chunks begin at even places.
    at = start + size + (size % 2);
  }
  throw broken(`it has more than ${MAX_CHUNKS} parts before its samples`);
}

async function readFormat(file: FileHandle, start: number, size: number): Promise<PcmFormat> {
  const chunk = await read(file, start, Math.min(size, 40));
  if (chunk.length < 16) throw broken('its format is cut off');
  let code = chunk.readUInt16LE(0);
  const channels = chunk.readUInt16LE(2);
  const sampleRate = chunk.readUInt32LE(4);
  const align = chunk.readUInt16LE(12);
  const bits = chunk.readUInt16LE(14);
  if (code === EXTENSIBLE) {
    if (chunk.length < 26) throw broken('its extended format is cut off');
    code = chunk.readUInt16LE(24);
  }
  const encoding = ENCODING.get(`${code} ${bits}`);
  if (encoding === undefined)
    throw broken(`its samples are of form ${code} with ${bits} bits; expected PCM of 16, 24 or 32 bits, or float`);
  return checkFormat({ sampleRate, channels, encoding }, align);
}

/** @throws AppError INVALID_PARAMS */
function checkFormat(format: PcmFormat, align: number): PcmFormat {
  const { sampleRate, channels } = format;
  if (channels < 1 || channels > MAX_CHANNELS)
    throw broken(`it has ${channels} channels; expected 1 to ${MAX_CHANNELS}`);
  if (sampleRate < 1_000 || sampleRate > 768_000)
    throw broken(`its rate is ${sampleRate} Hz; expected 1,000 to 768,000`);
  if (align !== frameBytes(format)) throw broken(`its frames have ${align} bytes; expected ${frameBytes(format)}`);
  return format;
}

async function readLarge(file: FileHandle, start: number): Promise<number> {
  const chunk = await read(file, start, 16);
  if (chunk.length < 16) throw broken('its sizes (ds64) are cut off');
  const bytes = chunk.readBigUInt64LE(8);
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw broken('its size is beyond any file');
  return Number(bytes);
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function broken(why: string): AppError {
  return new AppError('INVALID_PARAMS', { text: `This is no WAV file that can be analysed: ${why}` });
}
