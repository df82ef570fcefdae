/** The command line as documents name it, held to the command line as it is. */
import { beforeAll, expect, it } from 'vitest';
import { EXAMPLES } from '../../../router/cli/examples.ts';
import { commandLines, markdownFiles } from '../../fixtures/documents.ts';
import { runCli } from '../lib/village.ts';

interface Help {
  readonly commands: readonly string[];
  readonly options: readonly string[];
}

const helps = new Map<string, Promise<Help>>();

/** What `aivillage … --help` lists; asked once. */
function helpOf(words: readonly string[]): Promise<Help> {
  const key = words.join(' ');
  const known = helps.get(key);
  if (known !== undefined) return known;
  const asked = runCli([...words, '--help'], { PATH: process.env.PATH, HOME: process.env.HOME }).then(({ stdout }) => ({
    commands: [...(stdout.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name!),
    options: [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name!),
  }));
  helps.set(key, asked);
  return asked;
}

/** What there is not of what a line says; undefined when all of it is there. */
async function misfit(line: string): Promise<string | undefined> {
  const words = line.split(/\s+/).filter((word) => word !== '…');
  const called: string[] = [];
  let help = await helpOf(called);
  let at = 0;
  while (at < words.length && help.commands.length > 0 && !words[at]!.startsWith('-')) {
    const word = words[at]!;
    // `a|b` stands for either, `tail, export` for each of them in turn; a placeholder ends what can be checked.
    if (!/^[a-z][\w-]*$/.test(word)) return undefined;
    if (!help.commands.includes(word)) return `no command ${[...called, word].join(' ')}`;
    called.push(word);
    at += 1;
    help = await helpOf(called);
  }
  const options = words.slice(at).flatMap((word) => /^\[?(--[a-z][a-z-]*)/.exec(word)?.[1] ?? []);
  const unknown = options.find((option) => !help.options.includes(option));
  return unknown === undefined ? undefined : `no option ${unknown} of ${called.join(' ')}`;
}

let lines: { file: string; line: string }[];
beforeAll(() => {
  lines = markdownFiles().flatMap(({ file, text }) =>
    commandLines(text).flatMap((whole) => {
      const line = /^(?:npx )?aivillage (.*)$/.exec(whole)?.[1];
      return line === undefined ? [] : [{ file, line }];
    }),
  );
});

it('[X2] every command and option that a document names is there', async () => {
  const found: string[] = [];
  for (const { file, line } of lines) {
    const problem = await misfit(line);
    if (problem !== undefined) found.push(`${file}: aivillage ${line}: ${problem}`);
  }
  expect(lines.length).toBeGreaterThan(15);
  expect(found).toEqual([]);
}, 120_000);

it('[X2] each command has an example in its help that says only what there is, and a sentence of its own', async () => {
  const found: string[] = [];
  const visit = async (words: readonly string[]): Promise<void> => {
    const { commands } = await helpOf(words);
    const below = commands.filter((name) => name !== 'help');
    for (const name of below) await visit([...words, name]);
    if (below.length === 0 && !Object.hasOwn(EXAMPLES, words.join(' '))) found.push(`${words.join(' ')}: no example`);
  };
  await visit([]);
  for (const [words, example] of Object.entries(EXAMPLES)) {
    const problem = await misfit(example);
    if (problem !== undefined || !example.startsWith(words.replace(/ list$/, ''))) found.push(`${words}: ${problem}`);
  }
  expect(found).toEqual([]);
}, 120_000);

it('[X2] tells a command or an option that is not there', async () => {
  expect(await misfit('token isue --agent sage')).toBe('no command token isue');
  expect(await misfit('token issue --agnt sage')).toBe('no option --agnt of token issue');
  expect(await misfit('fog node [--join MULTIADDR]')).toBeUndefined();
});
