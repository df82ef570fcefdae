/** The command line as documents and examples name it, held to the command line as it is. */
import { Command } from 'commander';
import { beforeAll, expect, it } from 'vitest';
import { COMMANDS } from '../../../router/cli/commands.ts';
import { createContext } from '../../../router/cli/context.ts';
import { EXAMPLES } from '../../../router/cli/examples.ts';
import { commandLines, markdownFiles } from '../../fixtures/documents.ts';

const program = new Command('aivillage').version('1');
beforeAll(async () => {
  const context = createContext();
  for (const make of Object.values(COMMANDS)) program.addCommand(await make(context));
});

const optionsOf = (command: Command) => ['--help', ...command.options.flatMap(({ long }) => long ?? [])];

/** What there is not of what a line says; undefined when all of it is there. */
function misfit(line: string): string | undefined {
  const words = line.split(/\s+/).filter((word) => word !== '…');
  const called: string[] = [];
  let command = program;
  let at = 0;
  while (at < words.length && command.commands.length > 0 && !words[at]!.startsWith('-')) {
    const word = words[at]!;
    // `a|b` stands for either, `tail, export` for each of them in turn; a placeholder ends what can be checked.
    if (!/^[a-z][\w-]*$/.test(word)) return undefined;
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) return `no command ${[...called, word].join(' ')}`;
    called.push(word);
    at += 1;
    command = next;
  }
  const options = words.slice(at).flatMap((word) => /^\[?(--[a-z][a-z-]*)/.exec(word)?.[1] ?? []);
  const known = optionsOf(command);
  const unknown = options.find((option) => !known.includes(option));
  return unknown === undefined ? undefined : `no option ${unknown} of ${called.join(' ')}`;
}

/** The words of every command that does something. */
function leaves(command: Command, words: readonly string[] = []): string[] {
  if (command.commands.length === 0) return [words.join(' ')];
  return command.commands.flatMap((each) => leaves(each, [...words, each.name()]));
}

it('[X2] every command and option that a document names is there', () => {
  const lines = markdownFiles().flatMap(({ file, text }) =>
    commandLines(text).flatMap((whole) => {
      const line = /^(?:npx )?aivillage (.*)$/.exec(whole)?.[1];
      return line === undefined ? [] : [{ file, line }];
    }),
  );
  const found = lines.flatMap(({ file, line }) => {
    const problem = misfit(line);
    return problem === undefined ? [] : [`${file}: aivillage ${line}: ${problem}`];
  });
  expect(lines.length).toBeGreaterThan(15);
  expect(found).toEqual([]);
});

it('[X2] each command has one example, which names only what there is', () => {
  expect(Object.keys(EXAMPLES).toSorted()).toEqual(leaves(program).toSorted());
  const wrong = Object.entries(EXAMPLES).filter(
    ([words, example]) => misfit(example) !== undefined || !example.startsWith(words),
  );
  expect(wrong).toEqual([]);
});

it('[X2] every option and argument says what it is for', () => {
  const silent = (command: Command, words: readonly string[]): string[] => [
    ...command.options.filter(({ description }) => description === '').map(({ long }) => [...words, long].join(' ')),
    ...(command.description() === '' ? [words.join(' ')] : []),
    ...command.commands.flatMap((each) => silent(each, [...words, each.name()])),
  ];
  expect(program.commands.flatMap((each) => silent(each, [each.name()]))).toEqual([]);
});

it('[X2] tells a command or an option that is not there', () => {
  expect(misfit('token isue --agent sage')).toBe('no command token isue');
  expect(misfit('token issue --agnt sage')).toBe('no option --agnt of token issue');
  expect(misfit('fog node [--join MULTIADDR]')).toBeUndefined();
});
