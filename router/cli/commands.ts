/** The commands by name, in the order in which the help lists them. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** Loaded when they are asked for: a server that a host starts must not wait for commands that it does not run. */
export const COMMANDS: Readonly<Record<string, (context: CliContext) => Promise<Command>>> = {
  up: async (context) => (await import('./up.ts')).upCommand(context),
  router: async (context) => (await import('./router.ts')).routerCommand(context),
  serve: async (context) => (await import('./serve.ts')).serveCommand(context),
  fog: async (context) => (await import('./fog.ts')).fogCommand(context),
  token: async (context) => (await import('./token.ts')).tokenCommand(context.identity()),
  user: async (context) => (await import('./user.ts')).userCommand(context.identity()),
  tools: async (context) => (await import('./tools.ts')).toolsCommand(context),
  call: async (context) => (await import('./call.ts')).callCommand(context),
  explain: async (context) => (await import('./explain.ts')).explainCommand(context),
  stop: async (context) => (await import('./stop.ts')).stopCommand(context),
  resume: async (context) => (await import('./stop.ts')).resumeCommand(context),
  definitions: async (context) => (await import('./definitions.ts')).definitionsCommand(context),
  twin: async (context) => (await import('./twin.ts')).twinCommand(context),
  p2p: async (context) => (await import('./p2p.ts')).p2pCommand(context),
  audit: async (context) => (await import('./audit.ts')).auditCommand(context.audit()),
  backup: async (context) => (await import('./backup.ts')).backupCommand(context),
  restore: async (context) => (await import('./backup.ts')).restoreCommand(context),
  config: async (context) => (await import('./config.ts')).configCommand(context),
  doctor: async (context) => (await import('./doctor.ts')).doctorCommand(context),
};
