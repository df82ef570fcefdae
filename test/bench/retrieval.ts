/** `npm run bench:retrieval -- FOLDER [--json]`: the figures of the product's retriever beside plain FTS5 on one question set. */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ENGINES } from './retrieval/engines.ts';
import { checkFolder, QuestionSetError } from './retrieval/question-set.ts';
import { type Figures, runEngine } from './retrieval/run-engine.ts';

const USAGE =
  'usage: npm run bench:retrieval -- FOLDER [--json]\nFOLDER holds corpus.jsonl, queries.jsonl and qrels.tsv.';

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  const [folder, ...rest] = positionals;
  const wrongEngine = values.engine !== undefined && !isEngine(values.engine);
  if (folder === undefined || rest.length > 0 || wrongEngine) throw new QuestionSetError(USAGE);
  checkFolder(folder);
  if (isEngine(values.engine)) {
    process.stdout.write(JSON.stringify(await runEngine(values.engine, folder)));
    return 0;
  }
  const figures = { ...inProcess('retriever', folder), fts5: inProcess('fts5', folder) };
  process.stdout.write(`${values.json ? JSON.stringify(figures) : table(figures)}\n`);
  return 0;
}

function readArguments() {
  try {
    // `engine` is for the processes that this one starts.
    const options = { json: { type: 'boolean' }, engine: { type: 'string' } } as const;
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new QuestionSetError(USAGE, { cause: error });
  }
}

function isEngine(name: string | undefined): name is keyof typeof ENGINES {
  return name !== undefined && Object.hasOwn(ENGINES, name);
}

function inProcess(engine: keyof typeof ENGINES, folder: string): Figures {
  const output = execFileSync(process.execPath, [import.meta.filename, '--engine', engine, '--', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output) as Figures;
}

function table({ fts5, ...ours }: Figures & { readonly fts5: Figures }): string {
  const rows = (Object.keys(fts5) as (keyof Figures)[]).map(
    (key) => `${key.padEnd(14)}${String(ours[key]).padStart(10)}${String(fts5[key]).padStart(10)}`,
  );
  return [`${' '.repeat(14)}${'retriever'.padStart(10)}${'fts5'.padStart(10)}`, ...rows].join('\n');
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof QuestionSetError) process.stderr.write(`${error.message}\n`);
  // A failed child has said on the shared stderr what is wrong.
  else if (!(error instanceof Error && 'status' in error)) throw error;
  process.exitCode = 1;
}
