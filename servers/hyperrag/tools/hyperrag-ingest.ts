/** The tool `hyperrag_ingest` (H1). */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { openFolders } from '../../../shared/folders.ts';
import type { CallContext } from '../../../shared/request.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { chunkMarkdown, chunkText } from '../ingest/chunk.ts';
import { MAX_ID, MAX_SOURCE, MAX_TITLE, type Read, type Skipped, skip } from '../ingest/draft.ts';
import { findFiles } from '../ingest/files.ts';
import { readHtml } from '../ingest/html.ts';
import { type IngestOptions, type IngestResult, ingest, MOST_TOLD } from '../ingest/ingest.ts';
import { readFile } from '../ingest/read-file.ts';
import { mayChange, namespaceToWrite } from '../namespaces.ts';
import { BOUNDS, namespaceSchema } from '../view.ts';

const MOST_DOCUMENTS = 10_000;
const MOST_PATHS = 1_000;
const MOST_METADATA = 16 * 2 ** 10;
type ForgetOptions = Pick<IngestOptions, 'documents' | 'caller' | 'namespace'>;
interface Gone {
  readonly forgotten: number;
  readonly skipped: readonly Skipped[];
}

const count = z.int().min(0).max(BOUNDS.maxCount);

const documentSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(MAX_ID)
    .regex(/^[^\p{Cc}]*$/u, 'holds control characters')
    .describe('Yours; the same id again is an update'),
  title: z.string().max(MAX_TITLE).default('').describe('What it is about, such as the name of an article'),
  text: z.string().max(8 * 2 ** 20),
  format: z.enum(['markdown', 'text', 'html']).default('markdown'),
  source: z.string().max(MAX_SOURCE).default('').describe('Whom it is from: trust is kept for it; you when left out'),
  metadata: z.record(z.string().max(200), z.json()).default({}),
});

export function hyperragIngest({ documents, index, folders, nowMs }: HyperragDeps): Tool {
  return defineTool({
    name: 'hyperrag_ingest',
    title: 'Ingest documents',
    description:
      'Takes documents into the knowledge: `documents` with their text, or `paths` of files and folders (Markdown, text, HTML, ' +
      'JSON, JSONL, PDF) inside the folders that the owner opened. The same document again is an update; when a call was cut off, repeat it ' +
      'and it goes on. `forget` takes documents out again. Returns how many documents and passages are new or changed, and what was skipped and why.',
    input: z.strictObject({
      documents: z.array(documentSchema).max(MOST_DOCUMENTS).optional().describe('The documents themselves'),
      paths: z
        .array(z.string().min(1).max(4_096))
        .max(MOST_PATHS)
        .optional()
        .describe('Files or folders; relative ones are inside the first open folder'),
      roots: z
        .boolean()
        .default(false)
        .describe('true takes the folders that your client has opened, as far as they lie inside the open ones'),
      forget: z
        .array(z.string().min(1).max(MAX_ID))
        .max(MOST_DOCUMENTS)
        .optional()
        .describe('Ids of documents that shall go'),
      namespace: namespaceSchema,
    }),
    output: z.object({
      documents: count,
      passages: count,
      unchanged: count,
      forgotten: count,
      skipped: z.array(z.object({ id: z.string().max(4_200), reason: z.string().max(2_000) })).max(MOST_TOLD),
      skipped_count: count.describe('All of them, also those not told above'),
    }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ documents: given, paths, roots, forget, namespace }, context) {
      const { caller, signal, progress, log } = context;
      if (given === undefined && paths === undefined && forget === undefined && !roots) {
        throw new AppError('INVALID_PARAMS', { text: 'Nothing to ingest: give `documents`, or `paths`' });
      }
      const options = { documents, caller, namespace: namespaceToWrite(caller, namespace), nowMs, signal };
      const asked = [...(paths ?? []), ...(roots ? await rootsOf(context) : [])];
      // Before what comes, so that it has room.
      const gone = forgetAll(forget ?? [], options);
      const total = asked.length === 0 ? given?.length : undefined;
      const reads = readAll(given ?? [], asked, folders, signal);
      const result = await ingest(reads, { ...options, onProgress: (done) => progress(done, total) });
      if (index.size !== undefined) {
        index.ready().catch((cause: unknown) => log.error({ cause }, 'the index could not take in what was ingested'));
      }
      return toAnswer(result, gone);
    },
  });
}

/** Full paths of the client's roots. */
async function rootsOf({ roots }: CallContext): Promise<string[]> {
  const uris = await roots();
  const files = (uris ?? []).filter((uri) => URL.canParse(uri) && new URL(uri).protocol === 'file:');
  if (files.length > 0) return files.map((uri) => fileURLToPath(uri));
  const why = uris === undefined ? 'Your client tells no roots' : 'None of the roots of your client is a folder';
  throw new AppError('INVALID_PARAMS', { text: `${why}; name files or folders in \`paths\`` });
}

async function* readAll(
  given: readonly z.output<typeof documentSchema>[],
  paths: readonly string[],
  folders: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Read> {
  // The files first: a path that leads outside is refused before anything is taken in.
  if (paths.length > 0) {
    for await (const found of findFiles(paths, await openFolders(folders))) {
      if ('reason' in found) yield skip(found.id, found.reason);
      else yield* readFile(found, signal);
    }
  }
  for (const document of given) yield readGiven(document);
}

function readGiven({ id, title, text, format, source, metadata }: z.output<typeof documentSchema>): Read {
  const size = JSON.stringify(metadata).length;
  if (size > MOST_METADATA) return skip(id, `Its metadata has ${size} characters; at most ${MOST_METADATA} are taken.`);
  const whole = text.toWellFormed();
  const html = format === 'html' ? readHtml(whole) : undefined;
  const pieces = html ? html.pieces : format === 'markdown' ? chunkMarkdown(whole) : chunkText(whole);
  if (pieces.length === 0) return skip(id, 'It holds no text.');
  const named = (title || html?.title || '').toWellFormed().slice(0, MAX_TITLE);
  return { draft: { id: id.toWellFormed(), title: named, source: source.toWellFormed(), metadata, pieces } };
}

/** Those that are not there, or not the caller's, are told as skipped. */
function forgetAll(ids: readonly string[], { documents, caller, namespace }: ForgetOptions): Gone {
  const skipped: Skipped[] = [];
  let forgotten = 0;
  for (const id of new Set(ids)) {
    const found = documents.find(namespace, 'document', id);
    if (found && mayChange(caller, found)) {
      documents.remove(found.key);
      forgotten++;
    } else {
      const reason = found ? 'Another agent ingested it; only that one forgets it.' : 'There is no such document.';
      skipped.push({ id, reason });
    }
  }
  return { forgotten, skipped };
}

function toAnswer({ documents, passages, unchanged, skipped, skippedCount }: IngestResult, gone: Gone) {
  return {
    documents,
    passages,
    unchanged,
    forgotten: gone.forgotten,
    skipped: [...gone.skipped, ...skipped].slice(0, MOST_TOLD),
    skipped_count: skippedCount + gone.skipped.length,
  };
}
