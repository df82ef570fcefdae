/** Reads a question set from a folder: corpus.jsonl, queries.jsonl, qrels.tsv. Ranks nothing. */
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { z } from 'zod';

/** What is wrong with a folder, in words for whoever gave it. */
export class QuestionSetError extends Error {
  override readonly name = 'QuestionSetError';
}

const Document = z.looseObject({
  id: z.string().min(1),
  title: z
    .string()
    .nullish()
    .transform((title) => title ?? ''),
  text: z.string(),
  group: z.string().optional(),
});
export type Document = z.infer<typeof Document>;

const Query = z.looseObject({ id: z.string().min(1), text: z.string(), group: z.string().optional() });

export interface Query {
  readonly id: string;
  readonly text: string;
  readonly group: string | undefined;
  /** Document → how relevant it is, above 0. */
  readonly relevant: ReadonlyMap<string, number>;
}

/** The documents in the order of their file, one at a time. Throws QuestionSetError. */
export async function* readDocuments(folder: string): AsyncGenerator<Document> {
  const ids = new Set<string>();
  for await (const document of readLines(folder, 'corpus.jsonl', Document)) {
    if (ids.has(document.id)) throw new QuestionSetError(`corpus.jsonl has the id "${document.id}" twice`);
    ids.add(document.id);
    yield document;
  }
  if (ids.size === 0) throw new QuestionSetError('corpus.jsonl has no documents');
}

/** The queries that have something relevant. Throws QuestionSetError. */
export async function readQueries(folder: string): Promise<Query[]> {
  const relevant = await readRelevance(folder);
  const queries: Query[] = [];
  for await (const { id, text, group } of readLines(folder, 'queries.jsonl', Query)) {
    const documents = relevant.get(id);
    if (documents) queries.push({ id, text, group, relevant: documents });
  }
  if (queries.length === 0) {
    throw new QuestionSetError('no query of queries.jsonl has a relevant document in qrels.tsv: do the ids agree?');
  }
  return queries;
}

/** Throws QuestionSetError unless the folder has the three files. */
export function checkFolder(folder: string): void {
  for (const file of ['corpus.jsonl', 'queries.jsonl', 'qrels.tsv']) {
    if (!fs.statSync(path.join(folder, file), { throwIfNoEntry: false })?.isFile()) {
      throw new QuestionSetError(`"${folder}" is no question set: it has no file ${file}`);
    }
  }
}

async function readRelevance(folder: string): Promise<Map<string, Map<string, number>>> {
  const relevant = new Map<string, Map<string, number>>();
  let number = 0;
  for await (const line of lines(folder, 'qrels.tsv')) {
    number++;
    if (line.trim() === '' || (number === 1 && line.startsWith('query-id'))) continue;
    const [query, document, score] = line.split('\t');
    if (!query || !document || score === undefined || !Number.isFinite(Number(score)) || score.trim() === '') {
      throw new QuestionSetError(
        `qrels.tsv line ${number}: expected query-id, corpus-id and a score with tabs between`,
      );
    }
    if (Number(score) <= 0) continue;
    const documents = relevant.get(query) ?? new Map<string, number>();
    documents.set(document, Number(score));
    relevant.set(query, documents);
  }
  return relevant;
}

async function* readLines<T>(folder: string, file: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  let number = 0;
  for await (const line of lines(folder, file)) {
    number++;
    if (line.trim() === '') continue;
    const parsed = schema.safeParse(parse(line, file, number));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new QuestionSetError(`${file} line ${number}: ${issue?.path.join('.') || 'the line'}: ${issue?.message}`);
    }
    yield parsed.data;
  }
}

function parse(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new QuestionSetError(`${file} line ${number} is not JSON`, { cause: error });
  }
}

function lines(folder: string, file: string): AsyncIterable<string> {
  return readline.createInterface({ input: fs.createReadStream(path.join(folder, file), 'utf8'), crlfDelay: Infinity });
}
