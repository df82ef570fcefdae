/** One line for each command that shows how it is used: below its help, and behind every mistake in how it was asked. Text only. */
import type { Command } from 'commander';

/** By the words of the command; what stands behind `aivillage`. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  up: 'up',
  router: 'router --stdio',
  serve: 'serve hyperrag --stdio',
  'fog node': 'fog node --join "$(npx aivillage p2p address)" --cpu-cores 2 --memory-gb 4',
  'fog address': 'fog address',
  'token issue': 'token issue --agent sage --ttl 8h',
  'token revoke': 'token revoke 0b1f8f9a-6c1d-4d55-9a55-1f7e5a2b3c4d',
  'user add': 'user add maria --role developer',
  'user list': 'user list',
  'user remove': 'user remove maria',
  tools: 'tools',
  call: `call hyperrag_query --args '{"query": "bees"}'`,
  explain: 'explain --agent sage system_performance',
  stop: 'stop --reason "tools answer with what nobody asked for"',
  resume: 'resume --justification "the server was replaced"',
  'definitions list': 'definitions list',
  'definitions approve':
    'definitions approve files read_file 5f2b8c0e9d1a4b7c  (aivillage definitions prints the line)',
  'twin rotate': 'twin rotate --to passphrase',
  'p2p address': 'p2p address',
  'audit verify': 'audit verify',
  'audit tail': 'audit tail --follow --agent sage',
  'audit export': 'audit export --since 2026-01-31',
  backup: 'backup /mnt/other-disk/village',
  restore: 'restore /mnt/other-disk/village',
  config: 'config claude-desktop',
  doctor: 'doctor',
};

const FIRST_STEPS = `
First steps:
  npx aivillage up                          start the village; it says how to go on
  npx aivillage token issue --agent sage    print a token: who calls (then: export MCP_TOKEN=...)
  npx aivillage tools                       what the token may use
  npx aivillage doctor                      what is wrong here, and what mends it
  npx aivillage COMMAND --help              all about one command, with an example`;

/**
 * Gives a command and all below it their example, and the same way of telling a mistake: what is wrong, the example, where the rest
 * is said; then CommanderError instead of an exit.
 * @param words of the command, as they are typed
 */
export function teach(command: Command, words: readonly string[] = []): void {
  const name = ['npx aivillage', ...words].join(' ');
  const example = EXAMPLES[words.join(' ')];
  if (words.length === 0) command.addHelpText('after', FIRST_STEPS);
  if (example !== undefined) command.addHelpText('after', `\nExample:\n  npx aivillage ${example}`);
  const shown = example === undefined ? '' : `Example: npx aivillage ${example}\n`;
  command.exitOverride().showHelpAfterError(`${shown}More: ${name} --help`);
  for (const each of command.commands) teach(each, [...words, each.name()]);
}
