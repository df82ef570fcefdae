/** `aivillage router`: the router for one desktop host on stdio, or over HTTP without the banner. */
import { Command, InvalidArgumentError } from 'commander';
import type { Settings } from '../../shared/settings.ts';
import { serveStdio } from '../doors/stdio.ts';
import type { RunningRouter } from '../main.ts';
import { callerOfProcess } from './caller-of-process.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';
import { runRouter } from './run-router.ts';

interface RouterOptions {
  readonly stdio?: true;
  readonly http?: number;
  readonly config?: string;
}

export function routerCommand(context: CliContext): Command {
  return new Command('router')
    .description('start the router for a host: on stdio, or over HTTP')
    .option('--stdio', 'speak MCP on stdin and stdout, as desktop hosts want it; MCP_TOKEN says who calls')
    .option('--http <port>', 'listen on this port instead; 0 takes any', parsePort)
    .option('--config <file>', 'configuration file')
    .action(async (options: RouterOptions) => {
      if ((options.stdio === true) === (options.http !== undefined)) {
        throw new CommandError('Say either --stdio or --http <port>.');
      }
      const settings = { ...context.settings(), ...(options.http === undefined ? {} : { port: options.http }) };
      const config = context.config(options.config);
      await runRouter(context, {
        settings,
        config,
        open: (running) => (options.stdio === true ? openStdio(running, settings) : openHttp(running, context)),
      });
    });
}

async function openHttp(running: RunningRouter, context: CliContext): Promise<{ close(): Promise<void> }> {
  const http = await running.listen();
  context.stdout.write(`ready ${http.url}/mcp\n`);
  return http;
}

async function openStdio(
  { router }: RunningRouter,
  { token }: Settings,
): Promise<{ closed: Promise<void>; close(): Promise<void> }> {
  const caller = await callerOfProcess(token, (text) => router.identity.verify(text));
  return { closed: serveStdio(router, caller, process.stdin, process.stdout), close: async () => {} };
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}
