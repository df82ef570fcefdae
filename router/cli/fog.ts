/** `aivillage fog node`: offers this machine to a village, as a process of its own; `fog address`: where nodes join. */
import fs from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { findConfigFile } from '../config/load.ts';
import { followVillage } from '../config/village-file.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';

interface NodeOptions {
  readonly join?: string;
  readonly cpuCores?: number;
  readonly memoryGb?: number;
  /** FOG for a CPU-hour. */
  readonly price?: number;
  readonly agent?: string;
}

const SECONDS_PER_HOUR = 3_600;
const MICRO_PER_FOG = 1_000_000;

export function fogCommand(context: CliContext): Command {
  const command = new Command('fog').description('offer this machine to a village as a fog node');
  command
    .command('node')
    .description('offer this machine: run shards and jobs of the village that it joins, under limits')
    .option('--join <multiaddr>', 'where to join: what "aivillage p2p address" or "aivillage fog address" prints there')
    .option('--cpu-cores <n>', 'processors to offer; all when left out', parseAmount)
    .option('--memory-gb <n>', 'memory to offer; all when left out', parseAmount)
    .option('--price <fog>', 'FOG for an hour of one processor', parseAmount)
    .option('--agent <id>', 'agent that is rewarded for the work')
    .action((options: NodeOptions) => runNode(context, options));
  command
    .command('address')
    .description('print the multiaddr that fog nodes join by')
    .action(async () => {
      const address = await ownAddress(context.settings().dataDir);
      if (address === undefined) {
        throw new CommandError(
          'No fog server runs on this data folder. Start one with "aivillage up", or "aivillage serve fog --http 0".',
        );
      }
      context.stdout.write(`${address}\n`);
    });
  return command;
}

/** Runs until it is told to end. */
export async function runNode(context: CliContext, options: NodeOptions): Promise<void> {
  const settings = context.settings();
  fs.mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  const join = options.join ?? (await ownAddress(settings.dataDir)) ?? settings.peers.bootstrap[0];
  if (join === undefined) {
    throw new CommandError(
      'Where to join? Say --join <multiaddr>: "aivillage p2p address" prints it on the machine of the village.',
    );
  }
  const log = context.logger('fog-node');
  const village = followVillage(findConfigFile(settings), log);
  const { openFogNode } = await import('../../servers/fog/node/main.ts');
  const { cpuCores, memoryGb, price, agent } = options;
  const node = await openFogNode({
    dataDir: settings.dataDir,
    join,
    rules: () => village().fog,
    offer: {
      ...(cpuCores !== undefined && { cpuCores }),
      ...(memoryGb !== undefined && { memoryGb }),
      ...(price !== undefined && { priceMicro: Math.round((price * MICRO_PER_FOG) / SECONDS_PER_HOUR) }),
      ...(agent !== undefined && { agent }),
    },
    peers: settings.peers,
    log,
  });
  const { promise: told, resolve: end } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end());
  const { cpuCores: cores, memoryGb: memory } = node.offering;
  void node.agent.joined.then(() => {
    context.stderr.write(
      `  Joined. This machine offers ${cores} ${cores === 1 ? 'core' : 'cores'} and ${memory} GB.\n`,
    );
    context.stdout.write(`ready ${node.nodeId}\n`);
  });
  await told;
  await node.close();
  await log.close();
}

/** Of the fog server that runs on this data folder. */
async function ownAddress(dataDir: string): Promise<string | undefined> {
  const { publishedDoor } = await import('../../servers/fog/work/published-door.ts');
  return (await publishedDoor(dataDir, Date.now()))?.addresses[0];
}

function parseAmount(text: string): number {
  const value = Number(text);
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text) || value <= 0) throw new InvalidArgumentError('expected a number above 0');
  return value;
}
