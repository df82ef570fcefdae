import { Command, CommanderError } from 'commander';
import { expect, it } from 'vitest';
import { EXAMPLES, teach } from '../../../../router/cli/examples.ts';

/** A command line of two commands, and what it says on both streams. */
function taught() {
  const said: string[] = [];
  const program = new Command('aivillage').configureOutput({
    writeOut: (text) => said.push(text),
    writeErr: (text) => said.push(text),
  });
  const token = new Command('token');
  token
    .command('issue')
    .requiredOption('--agent <name>', 'whom')
    .action(() => {});
  program.addCommand(token);
  // As main.ts does it: what a command says goes where its parent's words go.
  for (const each of [token, ...token.commands]) each.copyInheritedSettings(program);
  teach(program);
  const ask = (...args: string[]) => {
    said.length = 0;
    try {
      program.parse(args, { from: 'user' });
      return undefined;
    } catch (error) {
      return error;
    }
  };
  return { ask, said: () => said.join('') };
}

it('[X2] says with each mistake how it is done and where the rest is said', () => {
  const { ask, said } = taught();
  expect(ask('token', 'issue')).toBeInstanceOf(CommanderError);
  expect(said()).toBe(
    `error: required option '--agent <name>' not specified\nExample: npx aivillage ${EXAMPLES['token issue']}\nMore: npx aivillage token issue --help\n`,
  );
  expect(ask('token', 'isue')).toBeInstanceOf(CommanderError);
  expect(said()).toBe(`error: unknown command 'isue'\n(Did you mean issue?)\nMore: npx aivillage token --help\n`);
});

it('[X2] ends the help of a command with an example, and that of all with the first steps', () => {
  const { ask, said } = taught();
  ask('token', 'issue', '--help');
  expect(said()).toContain(`\nExample:\n  npx aivillage ${EXAMPLES['token issue']}\n`);
  ask('--help');
  expect(said()).toMatch(/First steps:\n {2}npx aivillage up .*aivillage doctor/s);
});
