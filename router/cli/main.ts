/** The command line: puts the commands together, and turns what they throw into a sentence and an exit code. */
import { Command, CommanderError } from 'commander';
import { SettingsError } from '../../shared/settings.ts';
import { VERSION } from '../version.ts';
import { createContext } from './context.ts';
import { teach } from './examples.ts';
import { reportFailure } from './failure.ts';

const context = createContext();
const program = new Command('aivillage')
  .description(
    'A governed village of MCP servers: one router that knows who calls, what they may do, and remembers it all.',
  )
  .version(VERSION);

/** Loaded when they are asked for: a server that a host starts must not wait for commands that it does not run. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).upCommand(context),
  router: async () => (await import('./router.ts')).routerCommand(context),
  serve: async () => (await import('./serve.ts')).serveCommand(context),
  fog: async () => (await import('./fog.ts')).fogCommand(context),
  token: async () => (await import('./token.ts')).tokenCommand(context.identity()),
  user: async () => (await import('./user.ts')).userCommand(context.identity()),
  tools: async () => (await import('./tools.ts')).toolsCommand(context),
  call: async () => (await import('./call.ts')).callCommand(context),
  explain: async () => (await import('./explain.ts')).explainCommand(context),
  stop: async () => (await import('./stop.ts')).stopCommand(context),
  resume: async () => (await import('./stop.ts')).resumeCommand(context),
  definitions: async () => (await import('./definitions.ts')).definitionsCommand(context),
  twin: async () => (await import('./twin.ts')).twinCommand(context),
  p2p: async () => (await import('./p2p.ts')).p2pCommand(context),
  audit: async () => (await import('./audit.ts')).auditCommand(context.audit()),
  backup: async () => (await import('./backup.ts')).backupCommand(context),
  restore: async () => (await import('./backup.ts')).restoreCommand(context),
  config: async () => (await import('./config.ts')).configCommand(context),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(context),
};

const asked = process.argv[2] ?? '';
const names = Object.hasOwn(COMMANDS, asked) ? [asked] : Object.keys(COMMANDS);
for (const name of names) program.addCommand(await COMMANDS[name]!());
teach(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? error.exitCode : reportFailure(error, process.stderr);
  // A mistake in how it was asked is told with exit 2, like one in the configuration.
  if (error instanceof CommanderError && error.exitCode === 1) process.exitCode = 2;
  if (error instanceof SettingsError) process.exitCode = 2;
}
