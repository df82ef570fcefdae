/** `aivillage tools`: what the caller of a token may use. */
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { Command } from 'commander';
import { type ClientOptions, withClient, withClientOptions } from './client.ts';
import type { CliContext } from './context.ts';

export function toolsCommand(context: CliContext): Command {
  return withClientOptions(new Command('tools'))
    .description('list the tools that a token may use')
    .option('--json', 'print their whole definitions as JSON')
    .action(async (options: ClientOptions & { json?: true }) => {
      const tools = await withClient(context, options, async (client) => {
        const all: Tool[] = [];
        let cursor: string | undefined;
        do {
          const page = await client.listTools(cursor === undefined ? {} : { cursor });
          all.push(...page.tools);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        return all;
      });
      context.stdout.write(options.json === true ? `${JSON.stringify(tools, null, 2)}\n` : table(tools));
    });
}

function table(tools: readonly Tool[]): string {
  if (tools.length === 0) return 'No tools: the permission matrix gives this caller none.\n';
  const width = Math.max(...tools.map(({ name }) => name.length));
  return tools
    .map(({ name, title, description }) => `${name.padEnd(width)}  ${title ?? firstSentence(description)}\n`)
    .join('');
}

function firstSentence(text = ''): string {
  return (text.split(/(?<=\.)\s/)[0] ?? '').slice(0, 100);
}
