/** `aivillage serve ID`: one of our servers alone, on stdio or over HTTP; also how the router starts them. */
import fs from 'node:fs';
import { Argument, Command } from 'commander';
import { SERVERS } from '../../servers/index.ts';
import { createRouterLink } from '../../shared/client/router-link.ts';
import { serve } from '../../shared/serve.ts';
import type { Settings } from '../../shared/settings.ts';
import { findConfigFile } from '../config/load.ts';
import { followVillage } from '../config/village-file.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';
import { parsePort } from './router.ts';
import { identityOfServer } from './server-identity.ts';

interface ServeOptions {
  readonly stdio?: true;
  readonly http?: number;
  readonly node?: true;
  readonly join?: string;
}

export function serveCommand(context: CliContext): Command {
  return new Command('serve')
    .description('run one server alone')
    .addArgument(new Argument('<id>', 'which server').choices([...SERVERS.keys()]))
    .option('--stdio', 'speak MCP on stdin and stdout (so it is when nothing is said)')
    .option('--http <port>', 'listen on this port of 127.0.0.1 instead; 0 takes any', parsePort)
    .option('--node', 'with fog: a fog node instead of the server, as "aivillage fog node"')
    .option('--join <multiaddr>', 'with --node: where to join; the server on this data folder when it is left out')
    .action(async (id: string, options: ServeOptions) => {
      if (options.node === true && id === 'fog') {
        const { runNode } = await import('./fog.ts');
        await runNode(context, options);
        return;
      }
      if (options.node === true || options.join !== undefined) throw new CommandError('--node and --join go with fog.');
      if (options.stdio === true && options.http !== undefined)
        throw new CommandError('Say either --stdio or --http <port>.');
      await run(context, id, options.http);
    });
}

async function run(context: CliContext, id: string, port: number | undefined): Promise<void> {
  const settings: Settings = context.settings();
  fs.mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  const log = context.logger(id);
  const village = followVillage(findConfigFile(settings), log);
  const identity = await identityOfServer(context, settings, id, village);
  const link = settings.router === undefined ? undefined : createRouterLink(settings.router);
  const serving = await serve({
    id,
    createServer: async () => {
      const open = await SERVERS.get(id)!();
      return open({
        log,
        dataDir: settings.dataDir,
        votingRules: () => village().governance,
        router: link,
        monitoring: {
          folders: settings.monitoringFolders,
          allowsPrivateWebhooks: settings.allowsPrivateWebhooks,
        },
        twin: settings.twin,
        economy: () => village().economy,
        forge: { rules: () => village().forge, endpoint: settings.modelEndpoint },
        fog: { rules: () => village().fog, listen: settings.fogListen },
        peers: settings.peers,
        knowledge: {
          folders: settings.hyperragFolders,
          maxTokens: settings.maxTokens,
          maxPassages: settings.hyperragMaxPassages,
          embedder: settings.hyperragEmbedder,
        },
      });
    },
    io: port === undefined ? { kind: 'stdio', stdin: process.stdin, stdout: process.stdout } : { kind: 'http', port },
    identity: identity.check,
    authorize: identity.authorize,
    isBehindRouter: settings.assertionKey !== undefined,
    token: settings.token,
    link,
    log,
  });
  if (serving.url !== undefined) context.stdout.write(`ready ${serving.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void serving.close());
  await serving.closed;
  await identity.close();
  await log.close();
}
