/** `aivillage call TOOL`: one call of a tool, its result on stdout. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { type ClientOptions, withClient, withClientOptions } from './client.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';
import { showProgress } from './progress.ts';

/** Without a word of its server; one that tells how far it is, may take as long as it needs. */
const SILENT_MS = 60_000;
/** What a call may take at most, however much it tells: the longest time that a row of the matrix can give. */
const LONGEST_MS = 24 * 3_600_000;

interface CallOptions extends ClientOptions {
  readonly args: Record<string, unknown>;
  readonly justification?: string;
  readonly json?: true;
}

export function callCommand(context: CliContext): Command {
  return withClientOptions(new Command('call'))
    .description('call a tool and print its result; exit 1 when the tool reports an error')
    .addArgument(new Argument('<tool>', 'the tool, as `aivillage tools` lists it'))
    .option('--args <json>', 'its arguments, a JSON object', parseArguments, {})
    .option('--justification <text>', 'why, for tools that ask for it')
    .option('--json', 'print the whole result as JSON')
    .action(async (tool: string, options: CallOptions) => {
      const meta =
        options.justification === undefined ? {} : { _meta: { 'io.aivillage/justification': options.justification } };
      const result = await withClient(context, options, async (client) => {
        const progress = showProgress(context.stderr, () => performance.now());
        try {
          return (await client.callTool({ name: tool, arguments: options.args, ...meta }, undefined, {
            onprogress: ({ progress: done, total, message = '' }) => progress.at(done, total, message),
            resetTimeoutOnProgress: true,
            timeout: SILENT_MS,
            maxTotalTimeout: LONGEST_MS,
          })) as CallToolResult;
        } catch (error) {
          throw new CommandError(error instanceof Error ? error.message : String(error));
        } finally {
          progress.end();
        }
      });
      context.stdout.write(options.json === true ? `${JSON.stringify(result, null, 2)}\n` : `${textOf(result)}\n`);
      if (result.isError === true) context.setExitCode(1);
    });
}

function parseArguments(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below, like everything else that is no object.
  }
  throw new InvalidArgumentError(`Expected a JSON object such as '{"query": "bees"}'.`);
}

function textOf({ content, structuredContent }: CallToolResult): string {
  if (structuredContent !== undefined) return JSON.stringify(structuredContent, null, 2);
  return content.map((block) => (block.type === 'text' ? block.text : `(${block.type}; --json shows it)`)).join('\n');
}
