/** Asks the running node of a data folder by which addresses others join it; starts none. */
import { status } from './operations.ts';
import { connectLocally } from './owner/local-client.ts';
import { askBy } from './owner/operation.ts';
import { localSocketPath } from './owner/socket-path.ts';

/** Multiaddrs, the best one first: of the network before those of this machine, TCP before QUIC; undefined when no node runs. */
export async function addressesToJoinBy(dataDir: string): Promise<readonly string[] | undefined> {
  let client: Awaited<ReturnType<typeof connectLocally>>;
  try {
    client = await connectLocally(localSocketPath(dataDir), () => undefined);
  } catch {
    return undefined;
  }
  try {
    const { addresses } = await askBy(client.call)(status, {});
    return addresses.toSorted((a, b) => rank(a) - rank(b));
  } finally {
    client.close();
  }
}

function rank(address: string): number {
  const isLoopback = /^\/ip4\/127\.|^\/ip6\/::1\//.test(address);
  return (isLoopback ? 4 : 0) + (address.includes('/p2p-circuit') ? 2 : 0) + (address.includes('/quic-v1') ? 1 : 0);
}
