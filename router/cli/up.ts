/** `aivillage up`: the router over HTTP with all servers, and a banner that says how to go on. */
import path from 'node:path';
import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { addressWithin } from './p2p.ts';
import { runRouter } from './run-router.ts';

const ADDRESS_WITHIN_MS = 30_000;

export function upCommand(context: CliContext): Command {
  return new Command('up')
    .description('start the router with all servers of the configuration')
    .option('--config <file>', 'configuration file')
    .action(async (options: { config?: string }) => {
      const settings = context.settings();
      const config = context.config(options.config);
      await runRouter(context, {
        settings,
        config,
        terminal: 'problems',
        open: async (running) => {
          const http = await running.listen();
          context.stderr.write(banner(http.url, settings.dataDir, config.file));
          context.stdout.write(`ready ${http.url}/mcp\n`);
          void tellAddress(context, settings.dataDir);
          return http;
        },
      });
    });
}

/** The node starts behind the router, so what others join by is known a little later. */
async function tellAddress(context: CliContext, dataDir: string): Promise<void> {
  const address = await addressWithin(dataDir, ADDRESS_WITHIN_MS);
  if (address !== undefined) context.stderr.write(`  Peers and fog nodes join by   ${address}\n\n`);
}

function banner(url: string, dataDir: string, configFile: string): string {
  return `
  AIVillage is running.

    for programs    ${url}/mcp   (one server alone: ${url}/mcp/<id>)
    for people      ${url}/      (the console, in a browser)
    older clients   ${url}/sse
    configuration   ${configFile}
    data            ${dataDir}   (the log: ${path.join(dataDir, 'logs')})

  Next, in another terminal:
    export MCP_TOKEN=$(npx aivillage token issue --agent sage)     who calls, for 15 minutes
    npx aivillage tools                                            what sage may use
    npx aivillage config claude-desktop                            how to connect a host; also: claude-code, vscode, cursor, inspector
    npx aivillage doctor                                           when something does not work

  Stop it with Ctrl-C.

`;
}
