/**
 * A process for one PDF: its bytes on stdin, one line of JSON on stdout (pdf.ts has its form). Has no limits of its own and may
 * end in any way; who starts it watches.
 */
import { getDocumentProxy } from 'unpdf';
import { MAX_PAGES, MAX_TEXT } from './draft.ts';
import type { PdfAnswer, PdfRefusal } from './pdf.ts';
import { pageText } from './pdf-page.ts';

/** Names of pdf.js's errors for a password that is missing or wrong. */
const ENCRYPTED = new Set(['PasswordException']);
/** The exit code for "not enough memory". */
const OUT_OF_MEMORY = 12;

const parts: Buffer[] = [];
for await (const part of process.stdin) parts.push(part as Buffer);

try {
  process.stdout.write(JSON.stringify(await read(new Uint8Array(Buffer.concat(parts)))));
} catch (error) {
  // "Array buffer allocation failed": the limit, not the file's form.
  if (error instanceof RangeError) process.exit(OUT_OF_MEMORY);
  const isEncrypted = error instanceof Error && ENCRYPTED.has(error.name);
  process.stdout.write(JSON.stringify(refuse(isEncrypted ? 'encrypted' : 'damaged')));
}

async function read(bytes: Uint8Array): Promise<PdfAnswer> {
  const pdf = await getDocumentProxy(bytes, { verbosity: 0 });
  if (pdf.numPages > MAX_PAGES) return refuse('pages');
  const pages: string[] = [];
  let length = 0;
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent();
    const text = pageText(items.flatMap((item) => ('str' in item ? [item] : [])));
    length += text.length;
    if (length > MAX_TEXT) return refuse('text');
    pages.push(text);
    page.cleanup();
  }
  const { info } = await pdf.getMetadata();
  const title = 'Title' in info && typeof info.Title === 'string' ? info.Title : '';
  return { title: title.slice(0, 1_000), pages };
}

function refuse(refused: PdfRefusal): PdfAnswer {
  return { refused };
}
