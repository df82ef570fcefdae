/** The command line: puts the commands together, and turns what they throw into a sentence and an exit code. */
import { Command, CommanderError } from 'commander';
import { SettingsError } from '../../shared/settings.ts';
import { VERSION } from '../version.ts';
import { COMMANDS } from './commands.ts';
import { createContext } from './context.ts';
import { teach } from './examples.ts';
import { reportFailure } from './failure.ts';

const context = createContext();
const program = new Command('aivillage')
  .description(
    'A governed village of MCP servers: one router that knows who calls, what they may do, and remembers it all.',
  )
  .version(VERSION);

const asked = process.argv[2] ?? '';
const names = Object.hasOwn(COMMANDS, asked) ? [asked] : Object.keys(COMMANDS);
for (const name of names) program.addCommand(await COMMANDS[name]!(context));
teach(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? error.exitCode : reportFailure(error, process.stderr);
  // A mistake in how it was asked is told with exit 2, like one in the configuration.
  if (error instanceof CommanderError && error.exitCode === 1) process.exitCode = 2;
  if (error instanceof SettingsError) process.exitCode = 2;
}
