/** `aivillage p2p address`: the multiaddr by which others join the peer-to-peer node that runs on the data folder. */
import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';

const LOOK_EVERY_MS = 200;

export function p2pCommand(context: CliContext): Command {
  const command = new Command('p2p').description('where other machines join this village');
  command
    .command('address')
    .description('print the address (a multiaddr) that others join by')
    .option('--all', 'every address, one per line')
    .action(async (options: { all?: true }) => {
      const addresses = await runningAddresses(context.settings().dataDir);
      if (addresses === undefined) {
        throw new CommandError(
          'No peer-to-peer node runs on this data folder. Start one with "aivillage up", or "aivillage serve p2p".',
        );
      }
      if (addresses.length === 0) {
        throw new CommandError('The peer-to-peer node does not listen anywhere; p2p_status says why.');
      }
      context.stdout.write(`${(options.all === true ? addresses : addresses.slice(0, 1)).join('\n')}\n`);
    });
  return command;
}

/** The best address of the node, as soon as it runs; undefined when it does not within this time. */
export async function addressWithin(dataDir: string, withinMs: number): Promise<string | undefined> {
  const endsAt = performance.now() + withinMs;
  while (performance.now() < endsAt) {
    const [address] = (await runningAddresses(dataDir)) ?? [];
    if (address !== undefined) return address;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS).unref());
  }
  return undefined;
}

async function runningAddresses(dataDir: string): Promise<readonly string[] | undefined> {
  const { addressesToJoinBy } = await import('../../servers/p2p/address.ts');
  return addressesToJoinBy(dataDir);
}
