/** Measures a sound file inside the owner's open folders, a piece at a time: a file of hours takes no more memory than one of seconds. */
import fs from 'node:fs/promises';
import { AppError } from '../../../shared/errors.ts';
import { type Folder, openFolders, resolveInside } from '../../../shared/folders.ts';
import { type Figures, Meter } from './meter.ts';
import { frameBytes, type PcmFormat } from './pcm.ts';
import { readWav, type WavLayout } from './wav.ts';

export interface Analysed {
  readonly figures: Figures;
  readonly format: PcmFormat;
  readonly isTruncated: boolean;
}

export interface AnalyseOptions {
  /** As the owner named them. */
  readonly folders: readonly string[];
  /** Given, the file is raw PCM of this form. */
  readonly raw: PcmFormat | undefined;
  readonly silenceDbfs: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

const PIECE_BYTES = 256 * 1024;
const TELL_EVERY_BYTES = 64 * 1024 * 1024;

/** @throws AppError INVALID_PARAMS: outside the folders, no such file, no sound file; CONNECTION_LOST when cancelled */
export async function analyzeFile(asked: string, options: AnalyseOptions): Promise<Analysed> {
  const file = await fs.open(await find(asked, await openFolders(options.folders)), 'r');
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new AppError('INVALID_PARAMS', { text: 'The path names no file' });
    const { raw } = options;
    const layout = raw === undefined ? await readWav(file, stat.size) : layoutOf(raw, stat.size);
    const meter = new Meter(layout.format, options.silenceDbfs);
    await pass(file, layout, meter, options);
    return { figures: meter.finish(), format: layout.format, isTruncated: layout.isTruncated };
  } finally {
    await file.close();
  }
}

function layoutOf(format: PcmFormat, bytes: number): WavLayout {
  const rest = bytes % frameBytes(format);
  return { format, dataStart: 0, dataBytes: bytes - rest, isTruncated: rest !== 0 };
}

async function pass(
  file: fs.FileHandle,
  { dataStart, dataBytes, format }: WavLayout,
  meter: Meter,
  { signal, progress }: AnalyseOptions,
): Promise<void> {
  const frame = frameBytes(format);
  const piece = Buffer.alloc(PIECE_BYTES - (PIECE_BYTES % frame));
  let told = 0;
  for (let done = 0; done < dataBytes; ) {
    if (signal.aborted) throw new AppError('CONNECTION_LOST', { text: 'Cancelled; nothing was measured' });
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, dataBytes - done), dataStart + done);
    // The file became shorter meanwhile.
    if (bytesRead === 0) return;
    meter.add(piece.subarray(0, bytesRead));
    done += bytesRead;
    if (done - told < TELL_EVERY_BYTES) continue;
    told = done;
    progress(done, dataBytes);
  }
}

async function find(asked: string, folders: readonly Folder[]): Promise<string> {
  const [first, ...others] = folders;
  if (first === undefined)
    throw new AppError('INVALID_PARAMS', {
      text: 'No folder is open for sound files. Send the sound as a stream, or ask the owner to set MONITORING_FOLDERS.',
    });
  const found = await resolveInside(asked, [first, ...others]);
  if (found === 'absent') throw new AppError('INVALID_PARAMS', { text: 'There is no such file in the open folders' });
  if (found === 'outside')
    throw new AppError('INVALID_PARAMS', {
      text: 'The path lies outside the folders that are open for sound files. The owner opens folders with MONITORING_FOLDERS.',
    });
  return found.real;
}
