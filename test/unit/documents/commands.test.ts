/** Every command that a document names is run by a test or by a CI script; what nobody runs is sooner or later wrong. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RUN_BY } from '../../fixtures/documented-commands.ts';
import { commandsOf, markdownFiles, plainCommand, ROOT } from '../../fixtures/documents.ts';

const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const runBy = new Map(RUN_BY.map((row) => [row[0], row]));
const WHAT_TO_DO =
  'no test runs it: write or name the one that does in test/fixtures/documented-commands.ts, or take the command out';

/** A script that only calls another, such as `check`, is what it calls. */
function followed(command: string): string {
  const script = /^npm run ([\w:-]+)$/.exec(command)?.[1];
  const text = script === undefined ? undefined : scripts[script];
  return text?.startsWith('npm ') === true ? text : command;
}

/** Run as it is written by the walk, or set by the shell itself. */
function isRunAnyway(command: string): boolean {
  return /^(?:aivillage|curl) /.test(command) || /^export [A-Z_]+=/.test(command);
}

/** What is wrong with what a text names; a sentence for each. */
function problems(file: string, text: string): string[] {
  return commandsOf(text)
    .map((command) => followed(plainCommand(command)))
    .filter((command) => !isRunAnyway(command) && !runBy.has(command))
    .map((command) => `${file}: ${command}: ${WHAT_TO_DO}`);
}

describe('the commands of the documents', () => {
  const documents = markdownFiles();

  it('[X2] [X3] are each run by a test or a CI script', () => {
    expect(documents.flatMap(({ file, text }) => problems(file, text))).toEqual([]);
    const all = documents.flatMap(({ text }) => commandsOf(text));
    expect(all.filter((command) => command.startsWith('npx aivillage')).length).toBeGreaterThan(10);
    expect(all.length).toBeGreaterThan(60);
  });

  it('[X3] are not listed once no document names them', () => {
    const named = new Set(
      documents.flatMap(({ text }) => commandsOf(text).map((each) => followed(plainCommand(each)))),
    );
    expect(RUN_BY.map(([command]) => command).filter((command) => !named.has(command))).toEqual([]);
  });

  it.each(RUN_BY)('[X3] `%s` is in %s', (_command, file, ...words) => {
    const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
    for (const each of words) expect(text).toContain(each);
    expect(words.length).toBeGreaterThan(0);
  });

  it('[X3] are told when they are new, with what to do', () => {
    const text = 'Say `npm run fly`.\n\n```sh\nnpm test && ./paint.sh   # twice\n```\n\n    node test/bench/wings.ts\n';
    expect(problems('NEW.md', text)).toEqual([
      `NEW.md: ./paint.sh: ${WHAT_TO_DO}`,
      `NEW.md: node test/bench/wings.ts: ${WHAT_TO_DO}`,
      `NEW.md: npm run fly: ${WHAT_TO_DO}`,
    ]);
  });
});
