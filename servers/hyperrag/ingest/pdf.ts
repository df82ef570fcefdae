/**
 * Reads a PDF in a process of its own, with limits of time and memory, so that a hostile one neither stalls nor blows up the
 * server. Knows nothing of PDF itself: pdf-child.ts does.
 */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { fileBeside } from '../../../shared/file-beside.ts';
import { type Piece, pack, paragraphs } from './chunk.ts';
import { MAX_PAGES, MAX_TEXT } from './draft.ts';

export interface PdfText {
  /** What the document says of itself; '' when nothing. */
  readonly title: string;
  /** With the number of their page. */
  readonly pieces: readonly Piece[];
}

export interface PdfLimits {
  readonly timeMs: number;
  readonly megabytes: number;
}

export const MAX_PDF_BYTES = 64 * 2 ** 20;
export const PDF_LIMITS: PdfLimits = { timeMs: 30_000, megabytes: 1_024 };

const REFUSALS = {
  encrypted: 'It is encrypted; save it without a password first.',
  damaged: 'It is no valid PDF, or it is damaged.',
  pages: `It has more than ${MAX_PAGES} pages; split it first.`,
  text: `Its text has more than ${MAX_TEXT} characters; split it first.`,
} as const;
export type PdfRefusal = keyof typeof REFUSALS;

/** What the child says, as one line of JSON. */
const answerSchema = z.union([
  z.object({ title: z.string(), pages: z.array(z.string()).max(MAX_PAGES) }),
  z.object({ refused: z.enum(['encrypted', 'damaged', 'pages', 'text']) }),
]);
export type PdfAnswer = z.infer<typeof answerSchema>;

/** Sets the limits of the system before Node starts: they hold even when this process is gone. Best effort on other systems. */
const UNDER_LIMITS = 'ulimit -t "$1" 2>/dev/null; ulimit -d "$2" 2>/dev/null; shift 2; exec "$@"';
/** Of the memory, what the child may use for objects; the rest is for buffers. */
const HEAP_SHARE = 0.5;

/** The text, or a sentence that says why there is none. */
export async function readPdf(
  bytes: Uint8Array,
  signal: AbortSignal,
  { timeMs, megabytes }: PdfLimits = PDF_LIMITS,
): Promise<PdfText | { readonly reason: string }> {
  const { execa } = await import('execa');
  const node = [
    process.execPath,
    `--max-old-space-size=${Math.floor(megabytes * HEAP_SHARE)}`,
    '--permission',
    '--allow-fs-read=*',
    fileURLToPath(fileBeside(import.meta, 'pdf-child')),
  ];
  const seconds = Math.ceil(timeMs / 1_000) + 1;
  const limited = ['sh', '-c', UNDER_LIMITS, 'sh', String(seconds), String(megabytes * 1_024), ...node];
  const [command = '', ...args] = process.platform === 'win32' ? node : limited;
  const ended = await execa(command, args, {
    input: bytes,
    env: {},
    extendEnv: false,
    stderr: 'ignore',
    maxBuffer: MAX_TEXT * 8,
    timeout: timeMs,
    cancelSignal: signal,
    killSignal: 'SIGKILL',
    reject: false,
  });
  if (signal.aborted) return { reason: 'The call was cancelled.' };
  // The limit on processor time ends it when this process is too busy to look at the clock.
  if (ended.timedOut || ended.signal === 'SIGXCPU' || ended.signal === 'SIGKILL') {
    return { reason: `Reading it took longer than ${Math.ceil(timeMs / 1_000)} s.` };
  }
  if (ended.failed) return { reason: `Reading it needed more than ${megabytes} MB of memory, or broke the reader.` };
  const answer = answerSchema.safeParse(parse(ended.stdout));
  if (!answer.success) return { reason: REFUSALS.damaged };
  return 'refused' in answer.data ? { reason: REFUSALS[answer.data.refused] } : toText(answer.data);
}

function toText({ title, pages }: { title: string; pages: readonly string[] }): PdfText | { readonly reason: string } {
  const pieces = pages.flatMap((text, index) => {
    const blocks = paragraphs(text.toWellFormed()).map((block) => ({ heading: '', text: block }));
    return pack(blocks).map((piece) => ({ ...piece, page: index + 1 }));
  });
  if (pieces.length === 0) return { reason: 'It holds no text; pictures of text need text recognition first.' };
  return { title: title.toWellFormed().trim(), pieces };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
